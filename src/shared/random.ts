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

/**
 * Seeded uniform numbers in [0, 1) of a stream by its name: sfc32 (Doty-Humphrey), whose 128 bits of state keep streams apart that
 * mulberry32's 32 would lay over each other.
 */
export function createStream(seed: number, name: string): () => number {
  let [a, b, c, counter] = [seed >>> 0, hashOf(name), Math.floor(seed / 2 ** 32) >>> 0, 1]
  const next = () => {
    const word = (a + b + counter) >>> 0
    counter = (counter + 1) >>> 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) >>> 0
    c = (((c << 21) | (c >>> 11)) + word) >>> 0
    return word / 2 ** 32
  }
  for (let i = 0; i < 15; i++) next() // until every bit of the seed has reached every bit of the state
  return next
}

/** FNV-1a over UTF-16 code units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
