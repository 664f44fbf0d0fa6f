import { type DataRow, QontrastError } from '../../shared/index.ts'
import { type PairColumns, type PairPlaces, placePairs } from './pair-columns.ts'
import type { Pair } from './pairs.ts'
import { isChosen, type Where } from './where.ts'

export type ColumnsRead = Readonly<Record<'anchor' | 'positive' | 'negative' | 'unused', readonly string[]>>

export interface RowReader {
  /** The pairs of a row, what is wrong with it, or nothing where it is not chosen. `invalid-input` for columns that no row can be right with. */
  read(values: DataRow['values']): Pair[] | string | undefined
  /** What columns were taken for, all rows together. */
  columns(): ColumnsRead
}

/** Reads rows as pairs; `source` is what errors name. */
export function createRowReader(
  source: string,
  { columns = {}, where = {} }: { readonly columns?: PairColumns; readonly where?: Where } = {},
): RowReader {
  const selected = Object.keys(where)
  const known = new Map<string, PairPlaces | string>()
  const used = { anchor: new Set<string>(), positive: new Set<string>(), negative: new Set<string>() }
  const seen = new Set<string>()

  function place(names: readonly string[]): PairPlaces | string {
    const key = JSON.stringify(names)
    const before = known.get(key)
    if (before !== undefined) return before
    const found = placePairs(names, { columns, selected, source })
    known.set(key, found)
    if (typeof found === 'string') return found
    for (const name of names) seen.add(name)
    for (const [role, places] of [
      ['anchor', [found.anchor]],
      ['positive', found.positives],
      ['negative', found.negatives],
    ] as const)
      for (const at of places) used[role].add(names[at] ?? '')
    return found
  }

  return {
    read(row) {
      const places = place(row.map(([name]) => name))
      if (typeof places === 'string') return places
      const values = row.map(([, value]) => value)
      if (!isChosen(row, where)) return undefined
      if (places.labelled) refuseNumbers(source, row[places.positives[0] ?? 0])
      return pairsOf(values, places)
    },
    columns() {
      const taken = new Set([...used.anchor, ...used.positive, ...used.negative])
      return {
        anchor: [...used.anchor],
        positive: [...used.positive],
        negative: [...used.negative],
        unused: [...seen].filter((name) => !taken.has(name)),
      }
    },
  }
}

function pairsOf(values: readonly unknown[], places: PairPlaces): Pair[] | string {
  const at = (columns: readonly number[]) => textsOf(columns.flatMap((place) => values[place]))
  const [anchors, positives, negatives] = [at([places.anchor]), at(places.positives), at(places.negatives)]
  const [anchor] = anchors ?? []
  if (anchor === undefined) return anchors ? 'its anchor is empty.' : 'its anchor is no text.'
  if (anchors && anchors.length > 1) return 'it has several anchors.'
  if (!positives) return 'its positive is no text.'
  if (positives.length === 0) return 'its positive is empty.'
  if (!negatives) return 'a negative is no text.'
  return positives.map((positive) => ({ anchor, positive, ...(negatives.length > 0 ? { negatives } : {}) }))
}

/** The texts of some values, less the empty ones; undefined where one is neither a text nor a passage with `text` and maybe `title`. */
function textsOf(values: readonly unknown[]): readonly string[] | undefined {
  const texts = values.map((value) => {
    if (value === null || value === undefined) return ''
    if (typeof value !== 'object' || !('text' in value)) return value
    const title = 'title' in value && typeof value.title === 'string' ? value.title.trim() : ''
    return typeof value.text === 'string' && title !== '' ? `${title} ${value.text}` : value.text
  })
  const strings = texts.filter((text) => typeof text === 'string')
  return strings.length < texts.length ? undefined : strings.filter((text) => text.trim() !== '')
}

/** A class as a number is no text that an encoder could learn from. */
function refuseNumbers(source: string, [name, value]: DataRow['values'][number] = ['', '']): void {
  if (typeof value === 'string' && !/^\s*[+-]?\d+(?:\.\d+)?\s*$/.test(value)) return
  if (value === null || value === undefined) return
  throw new QontrastError(
    'invalid-input',
    `${source}: the column ${name} has numbers (${String(value)}): classes are trained by their names. Name the column that has them (--columns positive=label_text), or measure with qontrast evaluate --task knn.`,
  )
}
