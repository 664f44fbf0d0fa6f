import { QontrastError } from './errors.ts'

/** Every key that a call takes, written down once more for the run time; a forgotten one is a type error. */
export type OptionKeys<Options> = Readonly<Record<keyof Options, true>>

/** `invalid-option` where `options` is no object, or has a key that the call does not know: it names that one and the known ones. */
export function checkOptionKeys<Options extends object>(
  call: string,
  options: Options,
  known: OptionKeys<Options>,
): void {
  const given: unknown = options
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const kind = given === null ? 'null' : Array.isArray(given) ? 'a list' : typeof given
    throw new QontrastError('invalid-option', `The options of ${call} are an object; got ${kind}.`)
  }
  const names = Object.keys(known)
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(known, key)) continue
    const near = nearest(key, names)
    const guess = near === undefined ? '' : ` Did you mean ${JSON.stringify(near)}?`
    throw new QontrastError(
      'invalid-option',
      `${call} has no option ${JSON.stringify(key.slice(0, 80))}.${guess} It has ${names.join(', ')}.`,
    )
  }
}

/** The name that a slip of the finger may have been meant for: at most a third of its letters differ. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const word = given.toLowerCase().replace(/[-_]/g, '')
  const [best] = names
    .map((name) => ({ name, steps: editSteps(word, name.toLowerCase().replace(/[-_]/g, '')) }))
    .sort((a, b) => a.steps - b.steps)
  return best && best.steps <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined
}

/** Letters to insert, drop or change so that one word becomes the other (Levenshtein); long ones count as all different. */
function editSteps(a: string, b: string): number {
  if (a.length > 64) return a.length
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
