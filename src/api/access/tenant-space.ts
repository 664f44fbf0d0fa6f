import { createHash } from 'node:crypto'
import { type Filter, isLeaf, type PlainFilter } from '../../index/index.ts'
import { QontrastError } from '../../shared/index.ts'

/**
 * How the documents that a bound key puts are named where they are stored: `tenant:HASH:` goes before their ids, so that an id another tenant has
 * is free. The hash is that of the filter's canonical meaning; nothing that the bearer gets shows it.
 */
export interface TenantSpace {
  /** Where a document that its bearer calls so may lie, the first being where a new one goes; in later rounds a place further on. */
  storedIds(id: string, round: number): readonly [string, ...string[]]
  /** What the bearer calls a stored document. */
  outer(storedId: string): string
  /** A cursor as the bearer gets it, and back: `invalid-input` for another one. */
  seal(cursor: string): string
  unseal(cursor: string): string
  /** A message without stored names. */
  hide(message: string): string
}

/** The space of a filter; `formerly` are its hashes of version 0.2.0. */
export function tenantSpace(filter: Filter, formerly: readonly string[]): TenantSpace {
  const current = hashOf(textOf(filter))
  const former = formerly.filter((hash) => hash !== current)
  const hashes = [current, ...former]
  const prefix = (hash: string, round = 0) => `tenant:${hash}${round === 0 ? '' : `.${round}`}:`
  const own = new RegExp(`tenant:(${hashes.join('|')})(\\.\\d+)?:`, 'g')
  const ownFirst = new RegExp(`^${own.source}`)
  return {
    storedIds(id, round) {
      const next = prefix(current, round) + id
      return round === 0 ? [next, ...former.map((hash) => prefix(hash) + id), id] : [next]
    },
    outer: (storedId) => storedId.replace(ownFirst, ''),
    seal(cursor) {
      const sealed = cursor.replace(ownFirst, (_, hash: string, round = '') => `~${hashes.indexOf(hash)}${round}:`)
      return sealed === cursor ? `=${cursor}` : sealed
    },
    unseal(cursor) {
      if (cursor.startsWith('=')) return cursor.slice(1)
      const [start, place = '', round = ''] = /^~(\d{1,3})(\.\d{1,9})?:/.exec(cursor) ?? []
      const hash = hashes[Number(place)]
      if (start === undefined || hash === undefined)
        throw new QontrastError('invalid-input', 'cursor is none that a page before gave to this key.')
      return `tenant:${hash}${round}:${cursor.slice(start.length)}`
    },
    hide: (message) => message.replace(own, ''),
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** One text for one meaning: of the commonest filters the one that version 0.2.0 made of their shortest spelling. */
function textOf(filter: Filter): string {
  const sets = setsOf(filter)
  return sets ? formerText(spelled(sets, 'value')) : JSON.stringify(filter)
}

/** Version 0.2.0 made its hash of how a filter is written: as it is in the keys, and as the same equalities may have been written. */
export function formerHashes(written: readonly PlainFilter[], meaning: Filter): readonly string[] {
  const sets = setsOf(meaning)
  const others = sets ? spellings.map((spelling) => spelled(sets, spelling)) : []
  return [...new Set([...written, ...others].map((filter) => hashOf(formerText(filter))))]
}

/** Sorted by the names of fields, at each level. */
function formerText(filter: unknown): string {
  return JSON.stringify(filter, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

type SetLeaf = Extract<Filter, { kind: 'in' }>
const spellings = ['value', 'eq', 'list', 'in'] as const

/** The equalities that a filter is made of, one a field; undefined where it is made of anything else. */
function setsOf(filter: Filter): readonly SetLeaf[] | undefined {
  const parts = filter.kind === 'and' ? filter.filters : [filter]
  const sets = parts.filter((part): part is SetLeaf => isLeaf(part) && part.kind === 'in' && part.field.length === 1)
  const fields = new Set(sets.map(({ field }) => field[0]))
  return sets.length > 0 && sets.length === parts.length && fields.size === sets.length ? sets : undefined
}

function spelled(sets: readonly SetLeaf[], spelling: (typeof spellings)[number]): object {
  return Object.fromEntries(
    sets.map(({ field, values }) => {
      const [only] = values.length === 1 ? values : []
      if (spelling === 'in') return [field[0], { in: values }]
      if (spelling === 'list' || only === undefined) return [field[0], values]
      return [field[0], spelling === 'eq' ? { eq: only } : only]
    }),
  )
}
