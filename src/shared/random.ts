/** Seeded uniform numbers in [0, 1): mulberry32, one 32-bit word of state. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One seed out of several numbers; another number in any place gives another seed. */
export function combineSeeds(...numbers: readonly number[]): number {
  return numbers.reduce((seed, number) => createRandom(seed ^ Math.imul(number + 1, 0x9e3779b1))() * 2 ** 32, 0)
}

/** A shuffled copy (Fisher–Yates), the same for the same random source. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const copy = [...items]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const kept = copy[i]!
    copy[i] = copy[j]!
    copy[j] = kept
  }
  return copy
}
