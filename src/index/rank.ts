import { checkQueryVector } from './check-search.ts'
import { lexicalTerms } from './lexical.ts'
import type { Member } from './members.ts'
import type { SearchQuery } from './search-options.ts'
import type { Ranking, SearchMode } from './store.ts'

export interface RankOptions {
  readonly member: Member
  readonly mode: SearchMode | undefined
  readonly defaultMode: SearchMode
  readonly signal: AbortSignal | undefined
}

/** What each query asks a store for. Texts are encoded in one call; a vector has no words, so it is searched densely. */
export async function rank(
  queries: readonly SearchQuery[],
  { member: { encoder, schema }, mode, defaultMode, signal }: RankOptions,
): Promise<Ranking[]> {
  const texts = queries.filter((query) => typeof query === 'string')
  const textMode = mode ?? defaultMode
  const vectors =
    textMode === 'bm25' || texts.length === 0
      ? undefined
      : await encoder.encode(texts, { purpose: 'query', ...(signal ? { signal } : {}) })
  let row = 0
  return queries.map((query): Ranking => {
    if (typeof query !== 'string')
      return { mode: 'dense', vector: checkQueryVector(query.vector, schema.dimensions, mode) }
    const terms = lexicalTerms(query)
    if (textMode === 'bm25' || !vectors) return { mode: 'bm25', terms }
    const vector = vectors.row(row++)
    return textMode === 'dense' ? { mode: 'dense', vector } : { mode: 'hybrid', vector, terms }
  })
}
