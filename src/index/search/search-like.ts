import {
  checkOptionKeys,
  type JsonObject,
  normalizeInPlace,
  type OptionKeys,
  QontrastError,
} from '../../shared/index.ts'
import { type Filter, matchesFilter } from '../filter/index.ts'
import type { Member } from '../generations/members.ts'
import type { ScrollPage, VectorStore } from '../stores/store.ts'
import { distinctiveTerms } from './distinctive-terms.ts'
import type { Hit } from './hit.ts'
import type { PreparedQuery, SearchOptions } from './search-options.ts'

/** Documents by id: what hits should be like, and what they should not be like. */
export interface Examples {
  readonly like: string | readonly string[]
  readonly unlike?: string | readonly string[]
}

const exampleKeys: OptionKeys<Examples> = { like: true, unlike: true }
const mostExamples = 100

type Points = ScrollPage['points']

export interface LikeSearch {
  readonly store: VectorStore
  readonly member: Member
  readonly options: SearchOptions
  readonly filter: Filter | undefined
  readonly search: (query: PreparedQuery, options: SearchOptions) => Promise<Hit<JsonObject>[]>
}

/**
 * Searches by documents, which are left out of what is found. Dense: by the mean of their vectors, less the mean of those they should be unlike (Rocchio 1971);
 * a document's vector is the mean of its chunks', at unit length. By words: by those that tell the documents from the rest of the index.
 * Rejects with `not-found` where a document is not there or the filter does not match it.
 */
export async function searchLike(examples: Examples, at: LikeSearch): Promise<Hit<JsonObject>[]> {
  const { store, member, options, search } = at
  const { limit = 10, offset = 0, mode = 'dense', groupBy } = options
  const { like, unlike } = checkExamples(examples)
  const points = await readExamples([...like, ...unlike], at)
  const [wanted, unwanted] = [like, unlike].map((ids) => ids.map((id) => points.get(id) ?? []))
  if (!wanted || !unwanted) return []
  const terms = mode === 'dense' ? [] : await distinctiveTerms({ store, member, wanted, unwanted })
  const query: PreparedQuery = { vector: difference(wanted, unwanted), terms }
  const chunks = [...points.values()].flat().length
  const further = offset + limit + (groupBy === 'chunk' ? chunks : points.size)
  const hits = await search(query, { ...options, mode, offset: 0, limit: further })
  return hits.filter(({ id }) => !points.has(id)).slice(offset, offset + limit)
}

function checkExamples(examples: Examples): { like: readonly string[]; unlike: readonly string[] } {
  checkOptionKeys('searchLike', examples, exampleKeys)
  const like = idsOf('like', examples.like)
  const unlike = examples.unlike === undefined ? [] : idsOf('unlike', examples.unlike)
  if (like.length === 0)
    throw new QontrastError('invalid-input', 'like names no document: give at least one that hits should be like.')
  if (like.length + unlike.length > mostExamples)
    throw new QontrastError('invalid-input', `${like.length + unlike.length} examples; at most ${mostExamples}.`)
  const both = like.find((id) => unlike.includes(id))
  if (both !== undefined)
    throw new QontrastError('invalid-input', `Hits cannot be both like and unlike ${JSON.stringify(both)}.`)
  return { like, unlike }
}

function idsOf(name: string, given: unknown): readonly string[] {
  const ids: readonly unknown[] = Array.isArray(given) ? given : [given]
  const strings = ids.filter((id) => typeof id === 'string')
  if (strings.length === ids.length) return [...new Set(strings)]
  throw new QontrastError('invalid-input', `${name} is the id of a document, or a list of ids.`)
}

async function readExamples(
  ids: readonly string[],
  { store, member, filter }: LikeSearch,
): Promise<Map<string, Points>> {
  const points = await store.get(member.collection, { documents: ids }, { vectors: true })
  const seen = points.filter(({ payload }) => !filter || matchesFilter(filter, payload))
  const found = new Map(ids.map((id) => [id, seen.filter(({ documentId }) => documentId === id)]))
  const missing = ids.filter((id) => found.get(id)?.length === 0)
  if (missing.length === 0) return found
  const named = missing.slice(0, 5).map((id) => JSON.stringify(id))
  throw new QontrastError('not-found', `There is no document ${named.join(', ')} to find the like of.`)
}

/** `[dimensions]`, unit length: mean of the wanted documents less mean of the unwanted ones. */
function difference(wanted: readonly Points[], unwanted: readonly Points[]): Float32Array {
  const query = meanOf(wanted.map(vectorOf))
  const away = unwanted.length > 0 ? meanOf(unwanted.map(vectorOf)) : undefined
  if (away) for (let i = 0; i < query.length; i++) query[i]! -= away[i]!
  if (query.some((value) => Math.abs(value) > 1e-6)) return normalizeInPlace(query)
  throw new QontrastError('invalid-input', 'The examples cancel each other: their vectors are the same.')
}

function vectorOf(points: Points): Float32Array {
  return normalizeInPlace(meanOf(points.flatMap(({ vector }) => vector ?? [])))
}

function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]?.length ?? 0)
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! / vectors.length
  return mean
}
