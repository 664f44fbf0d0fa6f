import { afterAll } from 'vitest'
import { type AppOptions, createApp } from '../../src/api/index.ts'
import { type Encoder, lancedb, loadEncoder, type VectorStore } from '../../src/main.ts'
import { temporaryFolder } from './temporary.ts'

export const json = { 'content-type': 'application/json' }
export const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

let encoder: Promise<Encoder> | undefined
const stores: VectorStore[] = []

/** The bundled encoder, one for the file. */
export function bundled(): Promise<Encoder> {
  encoder ??= loadEncoder()
  return encoder
}

/** An app over a store of its own, or over one that is there. */
export async function openApp({ store, ...options }: Partial<AppOptions> & { store?: VectorStore } = {}) {
  const own = store ?? lancedb({ path: await temporaryFolder() })
  if (!store) stores.push(own)
  const app = createApp({ indexes: { store: own, encoders: { default: await bundled() } }, ...options })
  return { app, store: own, call: caller(app) }
}

/** Sends JSON and reads JSON. */
export function caller(app: { request: (path: string, init?: RequestInit) => Response | Promise<Response> }) {
  return async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await app.request(path, {
      method,
      headers: { ...(body === undefined ? {} : json), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text.startsWith('{') ? JSON.parse(text.split('\n', 1)[0] ?? '') : undefined,
    }
  }
}

afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()))
  await (await encoder)?.close()
})
