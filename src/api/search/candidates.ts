import { QontrastError } from '../../shared/index.ts'
import type { Limits } from '../limits.ts'
import { examplesOf, type ViewQuery, type ViewSearchOptions } from '../view.ts'

/** What each side of mode hybrid looks at, whatever the page. */
const hybridCandidates = 200

/** `invalid-input` where a search looks at more candidates than one call may: it would take longer than anybody waits. */
export function checkCandidates(
  queries: readonly ViewQuery[],
  { mode, limit, offset }: Pick<ViewSearchOptions, 'mode' | 'limit' | 'offset'>,
  { candidatesPerSearch: most }: Limits,
): void {
  const candidates = queries.reduce((sum, query) => sum + candidatesOf(query), 0)
  if (candidates <= most) return
  throw new QontrastError(
    'invalid-input',
    `${queries.length} queries for ${offset + limit} hits each look at ${candidates} candidates (limit and offset, at least ${hybridCandidates} a text in mode hybrid, and examples); at most ${most} a call. Ask fewer queries at once, or lower limit or offset.`,
  )

  function candidatesOf(query: ViewQuery): number {
    const { like = [], unlike = [] } = examplesOf(query) ?? {}
    const isHybrid = typeof query === 'string' ? mode === undefined || mode === 'hybrid' : mode === 'hybrid'
    return Math.max(offset + limit, isHybrid ? hybridCandidates : 0) + [like, unlike].flat().length
  }
}
