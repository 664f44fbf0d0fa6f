/** Learns how much text an encoder takes in a second, so that work can be cut into pieces of about that. */
export interface Meter {
  /** Characters of the next piece. */
  budget(): number
  measure(characters: number, milliseconds: number): void
}

const firstCharacters = 8_000
const leastCharacters = 2_000
const mostCharacters = 400_000
const growth = 4

export function createMeter(): Meter {
  let budget = firstCharacters
  return {
    budget: () => budget,
    measure(characters, milliseconds) {
      if (characters < budget / 2) return // too little to tell
      const inASecond = (characters * 1_000) / Math.max(1, milliseconds)
      budget = Math.max(leastCharacters, Math.min(inASecond, budget * growth, mostCharacters))
    },
  }
}
