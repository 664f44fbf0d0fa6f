import { Gauge, type Registry } from 'prom-client'
import { indexNames, type VectorStore } from '../index/index.ts'

interface Sizes {
  readonly documents: ReadonlyMap<string, number>
  readonly bytes: ReadonlyMap<string, number>
}

const freshMilliseconds = 30_000
/** Whoever asks for the first time waits so long at most: a store that hangs must not hide the other metrics. */
const patienceMilliseconds = 2_000

/** How large each index is: counted again, in the background, when it is asked for and was not for a while. */
export function observeIndexes(store: VectorStore, registry: Registry): void {
  let known: Sizes = { documents: new Map(), bytes: new Map() }
  let countedAt = Number.NEGATIVE_INFINITY
  let counting: Promise<void> | undefined

  async function recent(): Promise<Sizes> {
    if (performance.now() - countedAt > freshMilliseconds)
      counting ??= sizesOf(store)
        .then((sizes) => {
          known = sizes
          countedAt = performance.now()
        })
        .catch(() => {}) // the store's own trouble is said where it is used
        .finally(() => {
          counting = undefined
        })
    if (countedAt === Number.NEGATIVE_INFINITY && counting) await Promise.race([counting, patience()])
    return known
  }

  const gauge = (name: string, help: string, which: keyof Sizes) =>
    new Gauge({
      name,
      help,
      labelNames: ['index'],
      registers: [registry],
      async collect() {
        const sizes = await recent()
        this.reset()
        for (const [index, size] of sizes[which]) this.set({ index }, size)
      },
    })
  gauge('qontrast_index_documents', 'Documents of each index, counted at most every 30 s.', 'documents')
  gauge('qontrast_index_bytes', 'Bytes of each index on disk, where the store can tell.', 'bytes')
}

async function sizesOf(store: VectorStore): Promise<Sizes> {
  const documents = new Map<string, number>()
  const bytes = new Map<string, number>()
  for (const name of indexNames(await store.list(), await store.aliases())) {
    const info = await store.info(name)
    if (!info) continue
    documents.set(name, await store.count(name, { unit: 'documents' }))
    if (info.bytes !== undefined) bytes.set(name, info.bytes)
  }
  return { documents, bytes }
}

function patience(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, patienceMilliseconds).unref()
  })
}
