import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type Filter, type PlainFilter, toFilter } from '../../index/index.ts'
import { dateForms, momentOf, QontrastError } from '../../shared/index.ts'
import { formerHashes } from './tenant-space.ts'

/** read: search, get, count, embed. write: put and delete documents. admin: make, drop and re-index indexes, see metrics. metrics: see metrics. */
export const scopes = ['read', 'write', 'admin', 'metrics'] as const
export type Scope = (typeof scopes)[number]

const keySchema = z.strictObject({
  name: z.string().min(1),
  /** Hexadecimal SHA-256 of the key: the key itself is kept nowhere. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(scopes)).nonempty(),
  /** Documents outside it do not exist for this key. */
  filter: z.custom<PlainFilter>(isObject, 'A filter is an object.').exactOptional(),
  /** A bound key may rank by words: BM25's statistics are those of the whole index, so scores tell a little about all of it. */
  sharedWordStatistics: z.boolean().exactOptional(),
  /** From this moment on it is refused: ISO 8601. */
  expires: z
    .string()
    .refine((text) => momentOf(text) !== undefined, `A date is expected (${dateForms}).`)
    .exactOptional(),
})
export const keysFileSchema = z.strictObject({ keys: z.array(keySchema).nonempty() })

/** An entry of the keys file. */
export type ApiKey = z.input<typeof keySchema>

/** What a key's filter comes to. */
export interface Bound {
  readonly filter: Filter
  /** Hashes by which version 0.2.0 named the documents of filters of this meaning; see `tenantSpace`. */
  readonly formerly: readonly string[]
  readonly sharedWordStatistics: boolean
}

/** What the bearer of a key may do. */
export interface Access {
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  /** Set for a bound key. */
  readonly bound?: Bound
  /** Milliseconds since 1970. */
  readonly expires?: number
}

interface Entry {
  readonly sha256: string
  readonly access: Access
}
type CheckedKey = z.output<typeof keySchema>

/** The access that entries grant, in their order: `invalid-option` for one that makes no sense. */
export function accessesOf(keys: readonly ApiKey[]): readonly Entry[] {
  const { data, error } = keysFileSchema.safeParse({ keys })
  if (error) throw new QontrastError('invalid-option', `keys: ${z.prettifyError(error)}`)
  const filters = data.keys.flatMap(({ filter }) => (filter ? [{ written: filter, meaning: toFilter(filter) }] : []))
  const written = Map.groupBy(filters, ({ meaning }) => JSON.stringify(meaning))
  return data.keys.map((key) => {
    const { sha256, name, scopes: granted, filter, expires, sharedWordStatistics = false } = key
    const access: Access = {
      name,
      scopes: new Set(granted),
      ...(expires === undefined ? {} : { expires: momentOf(expires) ?? 0 }),
    }
    if (!filter) return { sha256, access }
    checkBound(key)
    const meaning = toFilter(filter)
    const alike = written.get(JSON.stringify(meaning)) ?? []
    const formerly = formerHashes(
      alike.map((one) => one.written),
      meaning,
    )
    return { sha256, access: { ...access, bound: { filter: meaning, formerly, sharedWordStatistics } } }
  })
}

function checkBound({ name, scopes: granted }: CheckedKey): void {
  const wider = granted.find((scope) => scope === 'admin' || scope === 'metrics')
  if (wider === undefined) return
  throw new QontrastError(
    'invalid-option',
    `The key '${name}' is bound to a filter: it cannot have the scope ${wider}, which sees the whole index.`,
  )
}

/** A new random key and its entry for the keys file. */
export function createKey(entry: Omit<ApiKey, 'sha256'>): { key: string; entry: ApiKey } {
  const key = `qk_${randomBytes(32).toString('base64url')}`
  return { key, entry: { ...entry, sha256: createHash('sha256').update(key).digest('hex') } }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
