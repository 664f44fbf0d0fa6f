import {
  defaultMeasures,
  type Measure,
  measureOf,
  type RetrievalQueries,
  type ScoreOptions,
  scoreRankings,
} from '../../evaluate/index.ts'
import { checkOptionKeys, type OptionKeys, QontrastError } from '../../shared/index.ts'
import type { Hit } from '../search/hit.ts'
import type { SearchOptions } from '../search/search-options.ts'
import type { SearchIndex } from '../search-index.ts'
import type { SearchMode } from '../stores/store.ts'

/** How it is searched, as for {@link SearchIndex.search}, and what is measured. */
export interface EvaluateSearchOptions<M extends Measure = Measure>
  extends Pick<SearchOptions, 'mode' | 'fusion' | 'minScore' | 'exact' | 'filter' | 'signal'>,
    ScoreOptions<M> {}

const evaluateKeys: OptionKeys<EvaluateSearchOptions> = {
  mode: true,
  fusion: true,
  minScore: true,
  exact: true,
  filter: true,
  signal: true,
  measures: true,
  keepOwnIds: true,
}

/** What was measured, and what there is to know of the data. */
export interface SearchEvaluation<M extends Measure = Measure> {
  readonly metrics: Readonly<Record<M, number>>
  /** Undefined where nothing was found at all. */
  readonly mode: SearchMode | undefined
  /** Queries that are judged and have a text: what the metrics are means of. */
  readonly queries: number
  /** Queries that nothing is relevant to: they count as 0, as in trec_eval. */
  readonly withoutRelevant: number
  /** Judged, but without a text: they do not count. */
  readonly unknownQueries: readonly string[]
  /** Relevant, but no document: they count as not found. */
  readonly unknownDocuments: readonly string[]
  /** Queries to which the document of their own id is relevant, which does not count. */
  readonly ownIds: number
}

const queriesAtOnce = 200
const idsAtOnce = 500

/** Asks an index what is judged, and scores its answers; ids of rows that an index has by their file (`faq.csv#12`) stand for the rows' own (`12`). */
export async function evaluateSearch<M extends Measure = (typeof defaultMeasures)[number]>(
  index: SearchIndex,
  { queries, relevance }: RetrievalQueries,
  options: EvaluateSearchOptions<M> = {},
): Promise<SearchEvaluation<M>> {
  checkOptionKeys('evaluateSearch', options, evaluateKeys)
  const { measures, keepOwnIds = false, ...search } = options
  const depth = Math.max(...(measures ?? defaultMeasures).map((measure) => measureOf(measure).depth))
  const asked = [...queries].filter(([id]) => relevance.has(id))
  const judged = new Set([...relevance.values()].flatMap((documents) => [...documents.keys()]))
  const rankings = new Map<string, ReadonlyMap<string, number>>()
  const files = new Set<string>()
  let mode: SearchMode | undefined
  let example: string | undefined
  for (let start = 0; start < asked.length; start += queriesAtOnce) {
    const part = asked.slice(start, start + queriesAtOnce)
    const texts = part.map(([, text]) => text)
    const lists = await index.searchMany(texts, { ...search, limit: depth + (keepOwnIds ? 0 : 1) })
    for (const [i, hits] of lists.entries()) {
      mode ??= modeOf(hits[0])
      example ??= hits[0]?.id
      rankings.set(part[i]?.[0] ?? '', scoresById(hits, { judged, files }))
    }
  }
  const counted = new Map(asked.map(([id]) => [id, relevance.get(id) ?? new Map<string, number>()]))
  const relevant = [...counted].map(([query, documents]) => ({ query, ids: idsAbove0(documents) }))
  const ids = new Set(relevant.flatMap((one) => one.ids))
  const found = new Set([...rankings.values()].flatMap((ranking) => [...ranking.keys()]))
  const unfound = [...ids].filter((id) => !found.has(id))
  const unknownDocuments = await absentOf(index, unfound, ['', ...files])
  if (ids.size > 0 && unknownDocuments.length === ids.size)
    throw new QontrastError(
      'invalid-input',
      `None of the ${ids.size} relevant documents (such as ${unknownDocuments[0]}) is there, but documents such as ${example ?? 'none'}: the judgements are of other documents.`,
    )
  return {
    metrics: scoreRankings(rankings, counted, { ...(measures ? { measures } : {}), keepOwnIds }),
    mode,
    queries: asked.length,
    withoutRelevant: relevant.filter((one) => one.ids.length === 0).length,
    unknownQueries: [...relevance.keys()].filter((id) => !queries.has(id)),
    unknownDocuments,
    ownIds: keepOwnIds ? 0 : relevant.filter((one) => one.ids.includes(one.query)).length,
  }
}

interface Known {
  readonly judged: ReadonlySet<string>
  /** What the ids of files and of rows begin with; more are put in. */
  readonly files: Set<string>
}

/** Of two hits that stand for one id the better one counts. */
function scoresById(hits: readonly Hit[], known: Known): ReadonlyMap<string, number> {
  const scores = new Map<string, number>()
  for (const hit of hits) {
    const id = judgedId(hit, known)
    if (!scores.has(id)) scores.set(id, hit.score)
  }
  return scores
}

/** The id that judgements have, of those that a hit may be known by: its own, that of its row, the path of its file. */
function judgedId({ id, payload }: Hit, { judged, files }: Known): string {
  const { root, path } = payload
  if (judged.has(id) || typeof root !== 'string' || typeof path !== 'string') return id
  const start = id.indexOf(`/${path}`) + 1
  files.add(id.slice(0, start))
  const row = start + path.length
  if (id[row] !== '#') return judged.has(path) ? path : id
  files.add(id.slice(0, row + 1))
  return id.slice(row + 1)
}

function idsAbove0(documents: ReadonlyMap<string, number>): string[] {
  return [...documents].flatMap(([id, relevance]) => (relevance > 0 ? [id] : []))
}

/** Ids that no document has, behind any of some beginnings. */
async function absentOf(index: SearchIndex, ids: readonly string[], beginnings: readonly string[]): Promise<string[]> {
  const absent: string[] = []
  for (let start = 0; start < ids.length; start += idsAtOnce) {
    const part = ids.slice(start, start + idsAtOnce)
    const there = await Promise.all(beginnings.map((beginning) => index.get(part.map((id) => beginning + id))))
    absent.push(...part.filter((_, i) => there.every((documents) => documents[i] === undefined)))
  }
  return absent
}

function modeOf(hit: Hit | undefined): SearchMode | undefined {
  if (!hit) return undefined
  const { dense, bm25 } = hit.scores
  return dense === undefined ? 'bm25' : bm25 === undefined ? 'dense' : 'hybrid'
}
