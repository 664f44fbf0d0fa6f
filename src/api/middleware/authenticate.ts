import type { MiddlewareHandler } from 'hono'
import { QontrastError } from '../../shared/index.ts'
import { type Access, openAccess, type Scope } from '../access/keys.ts'
import type { ApiEnv } from '../context.ts'

/** Finds out whose key it is; without a keyring everybody is let in. */
export function authenticate(keyring: ((key: string) => Access | undefined) | undefined): MiddlewareHandler<ApiEnv> {
  return async function authenticate(c, next) {
    c.set('access', keyring ? accessOf(keyring, c.req.header('authorization')) : openAccess)
    await next()
  }
}

function accessOf(keyring: (key: string) => Access | undefined, header: string | undefined): Access {
  const [, key] = /^bearer +(\S+) *$/i.exec(header ?? '') ?? []
  const access = key === undefined ? undefined : keyring(key)
  if (access) return access
  const what = header === undefined ? 'There is no API key' : 'The API key is not known here'
  throw new QontrastError('unauthorized', `${what}. Send the header: Authorization: Bearer KEY.`)
}

/** Lets through who has the scope. */
export function requireScope(scope: Scope): MiddlewareHandler<ApiEnv> {
  return async function requireScope(c, next) {
    const { name, scopes } = c.var.access
    if (!scopes.has(scope)) {
      throw new QontrastError(
        'forbidden',
        `The key '${name}' has the scopes ${[...scopes].join(', ')}; this needs ${scope}.`,
      )
    }
    await next()
  }
}
