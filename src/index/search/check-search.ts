import {
  checkOptionKeys,
  isKind,
  normalizeInPlace,
  QontrastError,
  searchModes,
  throwIfAborted,
} from '../../shared/index.ts'
import type { Fields } from '../filter/fields.ts'
import type { Filter } from '../filter/index.ts'
import { payloadOutside } from '../filter/witness.ts'
import type { SearchMode } from '../stores/store.ts'
import { type AnyQuery, hasWords, type SearchOptions, type SearchQuery, searchKeys } from './search-options.ts'

const defaultLimit = 10
const mostHits = 10_000
const groups = ['document', 'chunk'] as const
const fusionNames = ['scores', 'rrf'] as const
const sides = ['dense', 'bm25'] as const

/** Options with their defaults; `invalid-option` names the wrong one. */
export function checkSearch(
  options: SearchOptions,
  { queries, defaultMode }: { readonly queries: readonly AnyQuery[]; readonly defaultMode: SearchMode },
) {
  checkOptionKeys('search', options, searchKeys)
  const {
    limit = defaultLimit,
    offset = 0,
    mode,
    groupBy = 'document',
    fusion,
    minScore,
    exact = false,
    signal,
  } = options
  whole('limit', limit, 1)
  whole('offset', offset, 0)
  if (mode !== undefined) oneOf('mode', mode, searchModes)
  oneOf('groupBy', groupBy, groups)
  if (fusion !== undefined) oneOf('fusion', fusion, fusionNames)
  const texts = queries.some(hasWords)
  const asked = new Set<SearchMode>([
    ...(texts ? [mode ?? defaultMode] : []),
    ...(queries.every(hasWords) ? [] : ['dense' as const]),
  ])
  checkMinScore(minScore, asked)
  throwIfAborted(signal)
  return {
    limit,
    offset,
    mode,
    fusion,
    minScore,
    exact,
    signal,
    groupByDocument: groupBy === 'document',
  }
}

/** A number bounds the score of its mode; an object names the scores that it bounds, and each mode must have them. */
function checkMinScore(minScore: unknown, asked: ReadonlySet<SearchMode>): void {
  if (minScore === undefined) return
  const example = 'minScore: { dense: 0.4, bm25: 2 }'
  if (typeof minScore === 'number' && !Number.isNaN(minScore)) {
    if (!asked.has('hybrid')) return
    throw new QontrastError(
      'invalid-option',
      `In mode hybrid say which score is bounded, such as ${example}: a bound on both fused would mean neither.`,
    )
  }
  const bounds = typeof minScore === 'object' && minScore !== null ? Object.entries(minScore) : []
  const isBound = ([side, bound]: [string, unknown]) =>
    sides.some((name) => name === side) && typeof bound === 'number' && !Number.isNaN(bound)
  if (bounds.length === 0 || !bounds.every(isBound)) {
    const given = typeof minScore === 'object' ? JSON.stringify(minScore) : String(minScore)
    throw new QontrastError('invalid-option', `minScore is a number, or names scores: ${example}; got ${given}.`)
  }
  for (const mode of asked) {
    const absent = bounds.find(([side]) => mode !== 'hybrid' && mode !== side)
    if (!absent) continue
    throw new QontrastError(
      'invalid-option',
      `Hits of mode ${mode} have no ${absent[0]} score to bound by minScore; search with mode hybrid, or bound ${mode}.`,
    )
  }
}

/** A query is a text with words, or a vector: `invalid-input`. */
export function checkQuery(query: SearchQuery): void {
  if (typeof query === 'string') {
    if (query.trim() === '') throw new QontrastError('invalid-input', 'The query is empty: give it some words.')
    return
  }
  const vector: unknown = typeof query === 'object' && query !== null ? query.vector : undefined
  if (Array.isArray(vector) || isKind(vector, 'Float32Array')) return
  throw new QontrastError(
    'invalid-input',
    `A query is a text or { vector }, an array or Float32Array of numbers; got ${query === null ? 'null' : typeof query}.`,
  )
}

/** A copy of the vector at unit length: `dimension-mismatch`, or `invalid-input` where it points nowhere. */
export function checkQueryVector(
  vector: Float32Array | readonly number[],
  dimensions: number,
  mode: SearchMode | undefined,
): Float32Array {
  if (mode !== undefined && mode !== 'dense') {
    throw new QontrastError('invalid-option', `A vector has no words: search it with mode dense, not ${mode}.`)
  }
  if (vector.length !== dimensions) {
    throw new QontrastError(
      'dimension-mismatch',
      `The query vector has ${vector.length} dimensions; the index has ${dimensions}.`,
    )
  }
  const values = Float32Array.from(vector)
  if (!values.every(Number.isFinite))
    throw new QontrastError('invalid-input', 'The query vector holds NaN or infinity.')
  if (values.every((value) => value === 0))
    throw new QontrastError('invalid-input', 'The query vector is zero: it is equally near to everything.')
  return normalizeInPlace(values)
}

/** Ids of documents as `get` and `delete` take them: `invalid-input`. */
export function checkIds(ids: unknown): readonly string[] {
  if (typeof ids === 'string') return [ids]
  if (isStringArray(ids)) return ids
  throw new QontrastError('invalid-input', `ids are a string or an array of strings; got ${typeof ids}.`)
}

/**
 * `invalid-filter` for a filter that holds for every payload, however it is written: a lost variable must not empty an index.
 * What passes is known to leave a payload that the declared fields allow; whether one is stored makes no difference.
 */
export function checkNarrows(filter: Filter, fields: Fields = {}): void {
  if (payloadOutside(filter, fields) !== undefined) return
  throw new QontrastError(
    'invalid-filter',
    'The filter holds for every document, whatever its payload, so it would delete all; drop() does that.',
  )
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function whole(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least && value <= mostHits) return
  throw new QontrastError(
    'invalid-option',
    `${name} must be a whole number from ${least} to ${mostHits}; got ${value}.`,
  )
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw new QontrastError('invalid-option', `${name} must be one of ${allowed.join(', ')}; got ${String(value)}.`)
}
