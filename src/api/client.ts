import { type ClientRequestOptions, hc } from 'hono/client'
import type { AppType } from './app.ts'

export type Client = ReturnType<typeof hc<AppType>>

/** The typed client of a server: Hono's, with ids and names in paths encoded. Only `.` and `..` cannot be sent in a path: ask for them by `documents/get`. */
export function createClient(url: string, options?: ClientRequestOptions): Client {
  return encoding(hc<AppType>(url, options))
}

/** Wraps what Hono's client gives for a part of a path, and for a method of it: a function that is called with `param`. */
function encoding<T extends object>(client: T): T {
  return new Proxy(client, {
    get(target, name) {
      const part: unknown = Reflect.get(target, name)
      return typeof part === 'function' ? encoding(part) : part
    },
    apply(target, self, [given, ...rest]: unknown[]) {
      const call: unknown = target
      return typeof call === 'function' ? Reflect.apply(call, self, [withEncodedParams(given), ...rest]) : undefined
    },
  })
}

function withEncodedParams(given: unknown): unknown {
  if (!isObject(given) || !('param' in given) || !isObject(given.param)) return given
  const encoded = Object.entries(given.param).map(([name, value]) => [name, encodeURIComponent(String(value))])
  return { ...given, param: Object.fromEntries(encoded) }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
