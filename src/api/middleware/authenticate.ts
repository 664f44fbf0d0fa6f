import type { MiddlewareHandler } from 'hono'
import { QontrastError } from '../../shared/index.ts'
import { type Admitted, everybody, type Keyring, refused } from '../access/keyring.ts'
import type { Scope } from '../access/keys.ts'
import type { ApiContext, ApiEnv } from '../context.ts'
import { routeOf } from '../route-of.ts'

const nobody: Admitted = { access: { name: 'nobody', scopes: new Set() }, check() {} }

/** Finds out whose key it is; without a keyring everybody is let in. What has no route is 404 or 405 for everybody. */
export function authenticate(keyring: Keyring | undefined): MiddlewareHandler<ApiEnv> {
  return async function authenticate(c, next) {
    const { access, check } = admitted(c)
    c.set('access', access)
    c.set('checkAccess', check)
    await next()
  }

  function admitted(c: ApiContext): Admitted {
    if (!keyring) return everybody
    return routeOf(c) === undefined ? nobody : admit(keyring, c.req.header('authorization'))
  }
}

function admit(keyring: Keyring, header: string | undefined): Admitted {
  if (header === undefined) throw refused('There is no API key')
  const [, key] = /^bearer +(\S+) *$/i.exec(header) ?? []
  if (key === undefined) throw refused('The API key is not known here')
  return keyring.admit(key)
}

/** Lets through who has one of the scopes. */
export function requireScope(...any: readonly Scope[]): MiddlewareHandler<ApiEnv> {
  return async function requireScope(c, next) {
    const { name, scopes } = c.var.access
    if (!any.some((scope) => scopes.has(scope))) {
      throw new QontrastError(
        'forbidden',
        `The key '${name}' has the scopes ${[...scopes].join(', ')}; this needs ${any.join(' or ')}.`,
      )
    }
    await next()
  }
}
