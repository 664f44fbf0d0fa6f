import { normalizeInPlace, QontrastError } from '../shared/index.ts'
import { type Filter, matchesFilter } from './filter.ts'
import type { Hit } from './hit.ts'
import type { Member } from './members.ts'
import type { SearchOptions } from './search-options.ts'
import type { VectorStore } from './store.ts'

interface Example {
  readonly store: VectorStore
  readonly member: Member
  readonly options: SearchOptions
  readonly filter: Filter | undefined
  readonly search: (vector: Float32Array, options: SearchOptions) => Promise<Hit[]>
}

/** Searches by the mean of a document's chunk vectors, a little further than asked for, since it finds itself too. */
export async function searchLike(
  id: string,
  { store, member, options, filter, search }: Example,
): Promise<Hit[] | undefined> {
  const { limit = 10, offset = 0, mode, groupBy } = options
  if (mode !== undefined && mode !== 'dense')
    throw new QontrastError('invalid-option', `An example is searched by its vector: with mode dense, not ${mode}.`)
  const points = await store.get(member.collection, { documents: [id] }, { vectors: true })
  const vectors = points
    .filter(({ payload }) => !filter || matchesFilter(filter, payload))
    .flatMap(({ vector }) => vector ?? [])
  if (vectors.length === 0) return undefined
  const itself = groupBy === 'chunk' ? vectors.length : 1
  const hits = await search(meanOf(vectors), { ...options, mode: 'dense', offset: 0, limit: offset + limit + itself })
  return hits.filter((hit) => hit.id !== id).slice(offset, offset + limit)
}

/** `[dimensions]`, unit length. */
function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(vectors[0]?.length ?? 0)
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!
  return normalizeInPlace(sum)
}
