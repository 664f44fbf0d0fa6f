import { checkOptionKeys, isKind, normalizeInPlace, QontrastError, throwIfAborted } from '../shared/index.ts'
import type { Fields } from './fields.ts'
import { payloadOutside } from './filter/witness.ts'
import type { Filter } from './filter.ts'
import { type AnyQuery, hasWords, type SearchOptions, type SearchQuery, searchKeys } from './search-options.ts'
import type { SearchMode } from './store.ts'

const defaultLimit = 10
const mostHits = 10_000
const modes = ['dense', 'bm25', 'hybrid'] as const
const groups = ['document', 'chunk'] as const

/** Options with their defaults; `invalid-option` names the wrong one. */
export function checkSearch(
  options: SearchOptions,
  { queries, defaultMode }: { readonly queries: readonly AnyQuery[]; readonly defaultMode: SearchMode },
) {
  checkOptionKeys('search', options, searchKeys)
  const { limit = defaultLimit, offset = 0, mode, groupBy = 'document', minScore, exact = false, signal } = options
  whole('limit', limit, 1)
  whole('offset', offset, 0)
  if (mode !== undefined) oneOf('mode', mode, modes)
  oneOf('groupBy', groupBy, groups)
  if (Number.isNaN(minScore)) throw new QontrastError('invalid-option', 'minScore must be a number; got NaN.')
  const fuses = (mode ?? defaultMode) === 'hybrid' && queries.some(hasWords)
  if (minScore !== undefined && fuses) {
    throw new QontrastError(
      'invalid-option',
      'minScore needs mode dense or bm25: scores of fused rankings say nothing about how good a hit is.',
    )
  }
  throwIfAborted(signal)
  return {
    limit,
    offset,
    mode,
    minScore: minScore ?? Number.NEGATIVE_INFINITY,
    exact,
    signal,
    groupByDocument: groupBy === 'document',
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
