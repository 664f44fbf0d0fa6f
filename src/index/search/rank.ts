import { QontrastError } from '../../shared/index.ts'
import type { Member } from '../generations/members.ts'
import type { Ranking, SearchMode } from '../stores/store.ts'
import { lexicalTerms } from '../text/lexical.ts'
import { checkQueryVector } from './check-search.ts'
import type { AnyQuery } from './search-options.ts'

export interface RankOptions {
  readonly member: Member
  readonly mode: SearchMode | undefined
  readonly defaultMode: SearchMode
  readonly signal: AbortSignal | undefined
}

/** What each query asks a store for. Texts are encoded in one call; a vector has no words, so it is searched densely. */
export async function rank(
  queries: readonly AnyQuery[],
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
    if (typeof query !== 'string' && 'terms' in query) {
      const { vector, terms } = query
      return textMode === 'dense'
        ? { mode: textMode, vector }
        : textMode === 'bm25'
          ? { mode: textMode, terms }
          : { mode: textMode, vector, terms }
    }
    if (typeof query !== 'string')
      return { mode: 'dense', vector: checkQueryVector(query.vector, schema.dimensions, mode) }
    const terms = lexicalTerms(query)
    if (textMode === 'bm25' || !vectors) return { mode: 'bm25', terms }
    const vector = vectors.row(row++)
    if (vector.every((value) => value === 0)) return withoutVector(query, { textMode, terms, encoder: encoder.name })
    return textMode === 'dense' ? { mode: 'dense', vector } : { mode: 'hybrid', vector, terms }
  })
}

/** A query that the encoder understands nothing of is near to nothing: its words are left, where words are searched. */
function withoutVector(
  query: string,
  { textMode, terms, encoder }: { textMode: SearchMode; terms: readonly string[]; encoder: string },
): Ranking {
  if (textMode === 'hybrid') return { mode: 'bm25', terms }
  const shown = query.length > 40 ? `${query.slice(0, 40)}…` : query
  throw new QontrastError(
    'invalid-input',
    `The encoder '${encoder}' understands nothing of the query '${shown}': it has no known token. Search it with mode hybrid or bm25.`,
  )
}
