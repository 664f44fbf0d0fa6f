import { createFirstPlaces, type Document, QontrastError } from '../../shared/index.ts'
import { withStringId } from './prepare.ts'

/**
 * Takes the documents of one call, batch after batch: ids become strings, and of two documents with one id the first is given on; the other
 * fails with both of their places in the source, counted from 1.
 */
export function createFirsts(
  fail: (id: string, error: QontrastError) => void,
): (inputs: readonly Document<object>[]) => Document<object>[] {
  const firstPlace = createFirstPlaces()
  let place = 0
  return (inputs) =>
    inputs.map(withStringId).filter((input) => {
      place += 1
      const id: unknown = input?.id
      const before = typeof id === 'string' && id !== '' ? firstPlace(id, place) : undefined
      if (before === undefined) return true
      const reason = `documents ${before} and ${place} of this call have the same id; the first is kept. Leave one out, or give it another id.`
      fail(String(id).slice(0, 200), new QontrastError('invalid-input', reason))
      return false
    })
}
