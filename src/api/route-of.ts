import { matchedRoutes } from 'hono/route'
import type { ApiContext } from './context.ts'

/** The pattern of the route that a request is for; undefined where its path and method have none. */
export function routeOf(c: ApiContext): string | undefined {
  return matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'))?.path
}
