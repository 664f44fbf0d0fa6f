import type { MiddlewareHandler } from 'hono'
import { QontrastError } from '../../shared/index.ts'
import type { ApiEnv } from '../context.ts'
import { routeOf } from '../route-of.ts'

const health = /\/health\/\w+$/

/** Against DNS rebinding: a page that another name leads here is refused, since it sends that name as the host. Probes come by address, and learn nothing but that the server is well. */
export function hostCheck(hosts: readonly string[]): MiddlewareHandler<ApiEnv> {
  const allowed = new Set(hosts.map((host) => host.toLowerCase()))
  return async function hostCheck(c, next) {
    if (health.test(routeOf(c) ?? '')) return next()
    const host = nameOf(c.req.header('host') ?? new URL(c.req.url).host)
    if (!allowed.has(host)) {
      throw new QontrastError(
        'forbidden',
        `This server answers to ${hosts.join(', ')}; the request was for another host.`,
      )
    }
    await next()
  }
}

/** Without the port; IPv6 keeps its brackets. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '')
}
