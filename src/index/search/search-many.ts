import { createPace, throwIfAborted } from '../../shared/index.ts'
import { type Fields, type Filter, toFilter } from '../filter/index.ts'
import type { Member, Members } from '../generations/members.ts'
import { isUnknown } from '../stores/check.ts'
import type { Scores, SearchMode, StoreQuery, VectorStore } from '../stores/store.ts'
import { within } from '../stores/within.ts'
import { checkSearch } from './check-search.ts'
import { type Hit, toHit } from './hit.ts'
import { rank } from './rank.ts'
import { type Examples, searchLike } from './search-like.ts'
import type { AnyQuery, SearchOptions } from './search-options.ts'

/** The generation that is searched, and the index it belongs to. */
export interface SearchPlace {
  readonly store: VectorStore
  readonly members: Members
  readonly member: Member
  /** As the index declared them. */
  readonly fields: Fields
}

/** Queries that go to the store together: between them a search can be stopped. */
const queriesAtOnce = 1_000

/** Queries → rankings → the store's answers → hits, one list a query; the texts are encoded together. */
export async function searchMany(
  queries: readonly AnyQuery[],
  options: SearchOptions,
  { store, members, member, fields }: SearchPlace,
): Promise<Hit[][]> {
  const defaultMode = isUnknown(member.schema) ? 'dense' : (member.encoder.text?.searchMode ?? 'hybrid')
  const { mode, minScore, fusion, signal, ...page } = checkSearch(options, { queries, defaultMode })
  const filter = filterOf(options, fields)
  const rankings = await rank(queries, { member, mode, defaultMode, signal })
  const at = within(store, signal)
  const hits: Hit[][] = []
  const pace = createPace()
  for (let start = 0; start < rankings.length; start += queriesAtOnce) {
    throwIfAborted(signal)
    const asked = rankings.slice(start, start + queriesAtOnce).map(
      (ranking): StoreQuery => ({
        ...ranking,
        ...page,
        ...(fusion ? { fusion } : {}),
        ...(minScore === undefined ? {} : { minScores: boundsOf(minScore, ranking.mode) }),
        ...(filter ? { filter } : {}),
      }),
    )
    const [answers] = await Promise.all([at.queryMany(member.collection, asked), members.check(member, signal)])
    for (const [i, found] of answers.entries()) {
      hits.push(found.map((scored) => toHit(scored, queries[start + i])))
      await pace()
    }
  }
  return hits
}

/** Hits that are like documents; of the generation that is searched, as for any query. */
export function searchLikeIn(given: string | Examples, options: SearchOptions, place: SearchPlace): Promise<Hit[]> {
  return searchLike(typeof given === 'string' ? { like: given } : given, {
    store: within(place.store, options.signal),
    member: place.member,
    options,
    filter: filterOf(options, place.fields),
    search: async (query, wider) => (await searchMany([query], wider, place))[0] ?? [],
  })
}

function filterOf({ filter }: SearchOptions, fields: Fields): Filter | undefined {
  return filter === undefined ? undefined : toFilter(filter, fields)
}

/** A number bounds the score of the mode. */
function boundsOf(minScore: number | Scores, mode: SearchMode): Scores {
  return typeof minScore === 'number' ? { [mode]: minScore } : minScore
}
