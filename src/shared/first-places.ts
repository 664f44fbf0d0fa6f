import { createHash } from 'node:crypto'

const fewest = 1_024

/**
 * Remembers where each id came first, in 16 bytes an id however long it is: an id is known by 64 bits of its hash. Asked with an id and its
 * place (a safe integer), it gives the earlier place of the same id, or keeps this one; without a place it only looks.
 */
export function createFirstPlaces(): (id: string, place?: number) => number | undefined {
  let hashes = new BigUint64Array(fewest)
  let places = new Float64Array(fewest)
  let size = 0

  /** Of the hash, or of the free slot where it belongs: 0 marks a free one. */
  const slotOf = (hash: bigint): number => {
    const mask = hashes.length - 1
    let slot = Number(hash & BigInt(mask))
    while (hashes[slot] !== 0n && hashes[slot] !== hash) slot = (slot + 1) & mask
    return slot
  }
  const grow = () => {
    const [oldHashes, oldPlaces] = [hashes, places]
    hashes = new BigUint64Array(oldHashes.length * 2)
    places = new Float64Array(oldPlaces.length * 2)
    for (const [i, hash] of oldHashes.entries()) {
      if (hash === 0n) continue
      const slot = slotOf(hash)
      hashes[slot] = hash
      places[slot] = oldPlaces[i] ?? 0
    }
  }

  return (id, place) => {
    const hash = createHash('sha256').update(id).digest().readBigUInt64LE() || 1n
    const slot = slotOf(hash)
    if (hashes[slot] === hash) return places[slot]
    if (place === undefined) return undefined
    hashes[slot] = hash
    places[slot] = place
    size += 1
    if (size * 10 > hashes.length * 7) grow()
    return undefined
  }
}
