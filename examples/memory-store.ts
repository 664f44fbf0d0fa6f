/**
 * A store of one's own: points in this process's memory, found by comparing with each. `docs/own-store.md` explains it, and
 * `test/examples/memory-store.test.ts` runs the contract suite on it.
 */
import { fileURLToPath } from 'node:url'
import {
  type CollectionDriver,
  type CollectionSchema,
  defineStore,
  loadEncoder,
  matchesFilter,
  openIndex,
  type Point,
  type Selector,
  type StoreDriver,
  type StoredPoint,
  type VectorStore,
} from 'qontrast'

/** What is stored, for as many handles as want to share it. */
export interface Memory {
  readonly collections: Map<string, { readonly schema: CollectionSchema; readonly points: Map<string, Point> }>
  readonly aliases: Map<string, string>
}

export const emptyMemory = (): Memory => ({ collections: new Map(), aliases: new Map() })

export function memoryStore(memory = emptyMemory(), options: { readonly aliases?: boolean } = {}): VectorStore {
  const { collections, aliases } = memory
  return defineStore({
    name: 'memory',
    list: async () => [...collections.keys()],
    async open(name) {
      const collection = collections.get(name)
      return collection && collectionOn(collection.schema, collection.points)
    },
    async create(name, schema) {
      if (!collections.has(name)) collections.set(name, { schema, points: new Map() })
    },
    async drop(name) {
      collections.delete(name)
    },
    ...(options.aliases === false ? {} : { aliases: aliasesIn(aliases) }),
  })
}

/** A store may do without: an index then keeps its collection, and is not re-indexed. */
function aliasesIn(aliases: Map<string, string>): NonNullable<StoreDriver['aliases']> {
  return {
    all: async () => aliases,
    async set(alias, collection) {
      if (collection === undefined) aliases.delete(alias)
      else aliases.set(alias, collection)
    },
  }
}

function collectionOn(schema: CollectionSchema, points: Map<string, Point>): CollectionDriver {
  const selected = (selector?: Selector) => [...points.values()].filter(selector ? selects(selector) : () => true)
  return {
    schema,
    async upsert(fresh, { onlyNew }) {
      for (const point of fresh) if (!onlyNew || !points.has(point.id)) points.set(point.id, point)
    },
    get: async (selector, { vectors }) => selected(selector).map((point) => stored(point, vectors)),
    async delete(selector) {
      const gone = selected(selector)
      for (const { id } of gone) points.delete(id)
      return gone.length
    },
    async rank(side, { depth, filter, ids }) {
      const among = selected(ids ? { ids } : filter && { filter })
      const scoreOf = side.mode === 'dense' ? cosine(side.vector) : bm25(side.terms, [...points.values()])
      return among
        .map((point) => ({ id: point.id, document: point.documentId, score: scoreOf(point) }))
        .filter(({ score }) => side.mode === 'dense' || score > 0)
        .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
        .slice(0, depth)
    },
    async count({ filter, unit }) {
      const counted = selected(filter && { filter })
      return unit === 'points' ? counted.length : counted.filter(({ chunk }) => chunk === 0).length
    },
    async scroll({ limit, cursor = '', filter, vectors = false, seenBefore = Number.POSITIVE_INFINITY }) {
      const page = selected(filter && { filter })
        .filter(({ id, seen = 0 }) => id > cursor && seen < seenBefore)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
      return {
        points: page.map((point) => stored(point, vectors)),
        cursor: page.length < limit ? undefined : page.at(-1)?.id,
      }
    },
    async markSeen(documents, seen) {
      for (const point of selected({ documents }))
        points.set(point.id, { ...point, seen: Math.max(seen, point.seen ?? 0) })
    },
  }
}

function selects(selector: Selector): (point: Point) => boolean {
  if ('filter' in selector) return ({ payload }) => matchesFilter(selector.filter, payload)
  if ('ids' in selector) {
    const ids = new Set(selector.ids)
    return ({ id }) => ids.has(id)
  }
  const documents = new Set(selector.documents)
  return ({ documentId }) => documents.has(documentId)
}

/** As it comes back: without its terms and its mark. */
function stored({ vector, terms: _, seen: __, ...record }: Point, withVector: boolean): StoredPoint {
  return withVector ? { ...record, vector } : record
}

/** Vectors have unit length. */
function cosine(query: Float32Array): (point: Point) => number {
  return ({ vector }) => query.reduce((sum, value, i) => sum + value * (vector[i] ?? 0), 0)
}

/** Okapi BM25 (k₁ = 1.2, b = 0.75), with the statistics of all points. */
function bm25(query: readonly string[], points: readonly Point[]): (point: Point) => number {
  const average = points.reduce((sum, { terms }) => sum + terms.length, 0) / Math.max(1, points.length)
  const rarity = new Map(
    query.map((term) => {
      const having = points.filter(({ terms }) => terms.includes(term)).length
      return [term, Math.log(1 + (points.length - having + 0.5) / (having + 0.5))]
    }),
  )
  return ({ terms }) => {
    let score = 0
    for (const [term, weight] of rarity) {
      const count = terms.filter((other) => other === term).length
      score += (weight * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * terms.length) / Math.max(1, average)))
    }
    return score
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const encoder = await loadEncoder()
  const index = await openIndex({ name: 'answers', encoder, store: memoryStore() })
  await index.add([
    { id: 'asthma', text: 'Asthma is treated with inhalers.' },
    { id: 'ticks', text: 'Ticks bite, and may carry Lyme disease.' },
  ])
  for (const { id, score } of await index.search('lung disease')) console.log(score.toFixed(3), id)
  await index.close()
  await encoder.close()
}
