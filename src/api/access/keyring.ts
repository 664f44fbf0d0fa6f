import { createHash, timingSafeEqual } from 'node:crypto'
import { QontrastError } from '../../shared/index.ts'
import { type Access, type ApiKey, accessesOf, scopes } from './keys.ts'

/** Someone who was let in, and whether they still are. */
export interface Admitted {
  readonly access: Access
  /** Throws `unauthorized` once the key has expired, is gone, or has another entry: what goes on for long asks again. */
  check(): void
}

/** The keys of a server, which can be replaced while it runs. */
export interface Keyring {
  readonly size: number
  /** How often the keys were replaced, and how often that failed, for metrics. */
  readonly reloads: { readonly done: number; readonly failed: number }
  /** `unauthorized` for a key that is unknown or has expired. Every entry is compared, in constant time. */
  admit(key: string): Admitted
  /** Takes these keys in place of those before; `invalid-option` for a wrong entry, and those before stay. */
  replace(keys: readonly ApiKey[]): void
  /** Replaces the keys by what is read; where that fails, those before stay. */
  reload(read: () => Promise<readonly ApiKey[]>): Promise<void>
}

interface Entry {
  readonly hash: Buffer
  readonly access: Access
  /** All that the entry says, to see whether it changed. */
  readonly text: string
}

/** Without keys, everybody may do everything. */
export const everybody: Admitted = { access: { name: 'anybody', scopes: new Set(scopes) }, check() {} }

/** Keys for `createApp` and `serve` that can be replaced later; `invalid-option` for a wrong entry. */
export function createKeyring(keys: readonly ApiKey[]): Keyring {
  const reloads = { done: 0, failed: 0 }
  let entries = entriesOf(keys)

  function replace(next: readonly ApiKey[]): void {
    try {
      entries = entriesOf(next)
      reloads.done += 1
    } catch (error) {
      reloads.failed += 1
      throw error
    }
  }

  return {
    get size() {
      return entries.length
    },
    reloads,
    admit(key) {
      const hash = createHash('sha256').update(key).digest()
      const [entry] = entries.filter((known) => timingSafeEqual(known.hash, hash))
      if (!entry) throw refused('The API key is not known here')
      const { access, text } = entry
      checkExpiry(access)
      return {
        access,
        check() {
          checkExpiry(access)
          if (!entries.some((known) => known.text === text)) throw refused('The API key was changed or removed')
        },
      }
    },
    replace,
    async reload(read) {
      let next: readonly ApiKey[]
      try {
        next = await read()
      } catch (error) {
        reloads.failed += 1
        throw error
      }
      replace(next)
    },
  }
}

function entriesOf(keys: readonly ApiKey[]): readonly Entry[] {
  return accessesOf(keys).map(({ sha256, access }) => ({
    hash: Buffer.from(sha256, 'hex'),
    access,
    text: JSON.stringify([sha256, { ...access, scopes: [...access.scopes].sort() }]),
  }))
}

function checkExpiry({ name, expires }: Access): void {
  if (expires === undefined || Date.now() < expires) return
  throw refused(`The API key '${name}' expired at ${new Date(expires).toISOString()}`)
}

/** What a caller without a key that is good is told. */
export function refused(what: string): QontrastError {
  return new QontrastError('unauthorized', `${what}. Send the header: Authorization: Bearer KEY.`)
}
