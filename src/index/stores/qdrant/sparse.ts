/** Terms as Qdrant's sparse vectors: ascending distinct indices, a value each. */
export interface SparseVector {
  readonly indices: number[]
  readonly values: number[]
}

/** Saturation and length normalisation of BM25; the server multiplies with the inverse document frequency (`modifier: idf`). */
const k1 = 1.2
const b = 0.75
/** Terms of a usual text, until a collection has its own. */
const usualTerms = 128

/** A text's side of BM25: f · (k1 + 1) / (f + k1 · (1 − b + b · terms / usual)) for a term that occurs f times. */
export function documentVector(terms: readonly string[], usual = usualTerms): SparseVector {
  const counts = new Map<number, number>()
  for (const term of terms) {
    const index = termIndex(term)
    counts.set(index, (counts.get(index) ?? 0) + 1)
  }
  const norm = k1 * (1 - b + (b * terms.length) / usual)
  return toSparse([...counts].map(([index, count]) => [index, (count * (k1 + 1)) / (count + norm)]))
}

/** A query's side: each term once. */
export function queryVector(terms: readonly string[]): SparseVector {
  return toSparse([...new Set(terms.map(termIndex))].map((index) => [index, 1]))
}

function toSparse(entries: [index: number, value: number][]): SparseVector {
  entries.sort(([first], [second]) => first - second)
  return { indices: entries.map(([index]) => index), values: entries.map(([, value]) => value) }
}

/** FNV-1a over UTF-16 units, mixed by Murmur3's finalizer: 32 bits, the same for ever. */
export function termIndex(term: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < term.length; i++) hash = Math.imul(hash ^ term.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
