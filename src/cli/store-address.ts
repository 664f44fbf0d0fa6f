import { type ForeignOptions, lancedb, qdrant, type VectorStore } from '../index/index.ts'
import { own, QontrastError } from '../shared/index.ts'

/** Flags of every command that works on indexes. */
export interface StoreFlags {
  readonly path: string
  readonly store?: string
}

export function openStore({ path, store }: StoreFlags): VectorStore {
  return storeAt(store ?? path)
}

/** What stands behind the scheme of an address. */
interface Address {
  /** Host, port and path. */
  readonly at: string
  readonly settings: URLSearchParams
}

/** How stores at an address are opened, by its scheme; a new store is one row. */
const openers: Readonly<Record<string, (address: Address) => VectorStore | undefined>> = {
  'qdrant:': (address) => qdrantAt('http:', address),
  'qdrants:': (address) => qdrantAt('https:', address),
}

/** The store at a folder or at a server's address. */
export function storeAt(location: string): VectorStore {
  if (!/^\w[\w+.-]*:\/\//.test(location)) return lancedb({ path: location })
  const [scheme = '', rest = ''] = location.split('//', 2)
  const [at = '', query = ''] = rest.split('?', 2)
  const store = own(openers, scheme)?.({ at, settings: new URLSearchParams(query) })
  if (store) return store
  throw new QontrastError(
    'invalid-option',
    `A store is a folder, or a Qdrant server such as qdrant://localhost:6333 (qdrants:// for TLS); got ${JSON.stringify(location)}.`,
  )
}

/** Its key comes from QDRANT_API_KEY; undefined where the address is none. */
function qdrantAt(protocol: string, { at, settings }: Address): VectorStore | undefined {
  const url = `${protocol}//${at}`
  if (!URL.canParse(url)) return undefined
  const apiKey = process.env['QDRANT_API_KEY']
  const foreign = foreignOf(settings)
  return qdrant({ url, ...(apiKey ? { apiKey } : {}), ...(foreign ? { foreign } : {}) })
}

const foreignSettings = ['text', 'vector', 'payload'] as const

/** Where things are in collections that something else made: `?text=body&payload=false`. */
function foreignOf(settings: URLSearchParams): ForeignOptions | undefined {
  if (settings.size === 0) return undefined
  for (const name of settings.keys()) {
    if (foreignSettings.some((known) => known === name)) continue
    throw new QontrastError(
      'invalid-option',
      `The address of a store has no setting ${JSON.stringify(name)}; settings are ${foreignSettings.join(', ')}, such as qdrant://localhost:6333?text=body.`,
    )
  }
  const given = Object.fromEntries(settings)
  return given['payload'] === 'false' ? { ...given, payload: false } : given
}

/** Says on stderr where things were found in a collection that something else made. */
export async function noteForeign(store: VectorStore, index: string): Promise<void> {
  const foreign = (await store.info(index))?.foreign
  if (!foreign) return
  const text =
    foreign.text === undefined ? 'it has no texts yet' : `its texts are taken from ${JSON.stringify(foreign.text)}`
  console.error(`'${index}' was made by something else: ${text}; another key is set so: --store 'qdrant://…?text=KEY'.`)
}
