import type { Schemas } from '@qdrant/js-client-rest'

/** Characters of JSON, roughly; a server takes 32 MB at once unless told otherwise. */
const mostCharacters = 4_000_000
const charactersOfNumber = 20

/** Points in batches bounded by number and by size. */
export function cutInBatches(
  points: readonly Schemas['PointStruct'][],
  { dimensions, most }: { readonly dimensions: number; readonly most: number },
): Schemas['PointStruct'][][] {
  const batches: Schemas['PointStruct'][][] = []
  let batch: Schemas['PointStruct'][] = []
  let size = 0
  for (const point of points) {
    const own = JSON.stringify(point.payload).length + dimensions * charactersOfNumber
    if (batch.length > 0 && (batch.length >= most || size + own > mostCharacters)) {
      batches.push(batch)
      batch = []
      size = 0
    }
    batch.push(point)
    size += own
  }
  return batch.length > 0 ? [...batches, batch] : batches
}

/** Runs work on all items, at most `width` at a time; the first error ends it once what runs has ended. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values()
  let failed = false
  const lane = async () => {
    for (const item of queue) {
      if (failed) return
      try {
        await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

/** A list in pieces of at most `size`. */
export function piecesOf<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))
}
