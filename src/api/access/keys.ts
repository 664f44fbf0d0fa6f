import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { type Filter, type PlainFilter, toFilter } from '../../index/index.ts'
import { QontrastError } from '../../shared/index.ts'

/** read: search, get, count, embed. write: put and delete documents. admin: make, drop and re-index indexes, see metrics. */
export const scopes = ['read', 'write', 'admin'] as const
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
})
export const keysFileSchema = z.strictObject({ keys: z.array(keySchema).nonempty() })

/** An entry of the keys file. */
export type ApiKey = z.input<typeof keySchema>

/** What the bearer of a key may do. */
export interface Access {
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  /** Set for a bound key. */
  readonly bound?: { readonly filter: Filter; readonly prefix: string; readonly sharedWordStatistics: boolean }
}

/** Without keys, everybody may do everything. */
export const openAccess: Access = { name: 'anybody', scopes: new Set(scopes) }

/** A function from a key to what its bearer may do, undefined for an unknown key; every entry is compared, in constant time. `invalid-option` for a wrong entry. */
export function createKeyring(keys: readonly ApiKey[]): (key: string) => Access | undefined {
  const { data, error } = keysFileSchema.safeParse({ keys })
  if (error) throw new QontrastError('invalid-option', `keys: ${z.prettifyError(error)}`)
  const entries = data.keys.map((key) => ({ hash: Buffer.from(key.sha256, 'hex'), access: toAccess(key) }))
  return (key) => {
    const hash = createHash('sha256').update(key).digest()
    const matching = entries.filter((entry) => timingSafeEqual(entry.hash, hash))
    return matching[0]?.access
  }
}

/** A new random key and its entry for the keys file. */
export function createKey(entry: Omit<ApiKey, 'sha256'>): { key: string; entry: ApiKey } {
  const key = `qk_${randomBytes(32).toString('base64url')}`
  return { key, entry: { ...entry, sha256: createHash('sha256').update(key).digest('hex') } }
}

function toAccess({ name, scopes: granted, filter, sharedWordStatistics = false }: z.output<typeof keySchema>): Access {
  const access = { name, scopes: new Set(granted) }
  if (!filter) return access
  if (access.scopes.has('admin')) {
    throw new QontrastError('invalid-option', `The key '${name}' is bound to a filter: it cannot have the scope admin.`)
  }
  const checked = toFilter(filter)
  const prefix = `tenant:${createHash('sha256').update(canonical(filter)).digest('hex').slice(0, 16)}:`
  return { ...access, bound: { filter: checked, prefix, sharedWordStatistics } }
}

/** The same text for the same filter, whatever the order of its fields. */
function canonical(filter: PlainFilter): string {
  return JSON.stringify(filter, (_, value: unknown) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
