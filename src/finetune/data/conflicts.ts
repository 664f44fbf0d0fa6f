import type { Pair } from './pairs.ts'

/** The texts of a pair, as numbers, that may not meet others in a batch; most pairs have none. */
export interface Contested {
  /** Its anchor and positive, where another pair has them in any role. */
  readonly own: readonly number[]
  /** Its negatives that are another pair's anchor or positive. */
  readonly wrong: readonly number[]
}

export interface Conflicts {
  readonly pairs: readonly Contested[]
  /** Pairs whose own positive is among their negatives, by position. */
  readonly contradictory: ReadonlySet<number>
  /** The anchor or positive that most pairs share. */
  readonly mostShared: { readonly text: string; readonly pairs: number } | undefined
}

const free: Contested = { own: [], wrong: [] }

/**
 * Which texts keep pairs apart. In a batch each pair's positive is a wrong answer to all others, and so are all negatives: two pairs that share an anchor or a
 * positive, or one whose negative is the other's, would be taught the opposite of what they say. Negatives that several pairs share are wrong for all of them.
 */
export function findConflicts(pairs: readonly Pair[]): Conflicts {
  const numbers = new Map<string, number>()
  const numberOf = (text: string) => {
    const known = numbers.get(text)
    if (known !== undefined) return known
    numbers.set(text, numbers.size)
    return numbers.size - 1
  }
  const all = pairs.map(({ anchor, positive, negatives = [] }) => ({
    own: [...new Set([anchor, positive])].map(numberOf),
    negatives: [...new Set(negatives)].map(numberOf),
    positive: numberOf(positive),
  }))
  const owners = new Uint32Array(numbers.size)
  const refusers = new Uint32Array(numbers.size)
  for (const { own, negatives } of all) {
    for (const text of own) owners[text]! += 1
    for (const text of negatives) refusers[text]! += 1
  }
  let most = 0
  for (let text = 1; text < owners.length; text++) if (owners[text]! > owners[most]!) most = text
  return {
    pairs: all.map(({ own, negatives }) => {
      const contested = {
        own: own.filter((text) => owners[text]! > 1 || refusers[text]! > 0),
        wrong: negatives.filter((text) => owners[text]! > 0),
      }
      return contested.own.length + contested.wrong.length > 0 ? contested : free
    }),
    contradictory: new Set(
      all.flatMap(({ negatives, positive }, position) => (negatives.includes(positive) ? [position] : [])),
    ),
    mostShared: (owners[most] ?? 0) > 1 ? { text: [...numbers.keys()][most] ?? '', pairs: owners[most]! } : undefined,
  }
}
