import { normalizeInPlace, type OnProgress, QontrastError } from '../../shared/index.ts'
import type { Filter } from '../filter/index.ts'
import { refuseOutdated } from '../stores/format.ts'
import { indexNames, notFound } from '../stores/names.ts'
import type { VectorStore } from '../stores/store.ts'
import { within } from '../stores/within.ts'

export interface DocumentVectors {
  /** In the order of the ids. */
  readonly documents: readonly { readonly id: string; readonly title: string | undefined }[]
  readonly dimensions: number
  /** `[documents, dimensions]`, each of unit length: the mean of the document's chunks; what has one vector keeps it. */
  readonly data: Float32Array
  /** The collection that was read. */
  readonly collection: string
}

const pagePoints = 1_000

/** One vector a document of an index, read page by page. Rejects with `index-not-found`, `index-outdated`, `aborted`. */
export async function readDocumentVectors(
  at: VectorStore,
  index: string,
  {
    filter,
    signal,
    onProgress,
  }: { filter?: Filter | undefined; signal?: AbortSignal | undefined; onProgress?: OnProgress | undefined },
): Promise<DocumentVectors> {
  const store = within(at, signal)
  const info = await store.info(index)
  if (!info) throw notFound(index, store.name, indexNames(await store.list(), await store.aliases()))
  refuseOutdated(index, info.schema)
  const { dimensions } = info.schema
  const total = filter ? undefined : info.points
  const documents = new Map<string, { title: string | undefined; row: number }>()
  let data = new Float32Array(1_024 * dimensions)
  let done = 0
  let cursor: string | undefined
  do {
    const page = await store.scroll(info.name, {
      vectors: true,
      limit: pagePoints,
      ...(filter ? { filter } : {}),
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const { documentId, title, vector } of page.points) {
      if (!vector) throw new QontrastError('internal', 'internal: a point came without its vector.')
      const known = documents.get(documentId) ?? { title, row: documents.size }
      documents.set(documentId, known)
      if ((known.row + 1) * dimensions > data.length) {
        const larger = new Float32Array(data.length * 2)
        larger.set(data)
        data = larger
      }
      const start = known.row * dimensions
      for (let i = 0; i < dimensions; i++) data[start + i]! += vector[i]!
    }
    done += page.points.length
    onProgress?.({ done, total })
    cursor = page.cursor
  } while (cursor !== undefined)

  const sorted = [...documents].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const ordered = new Float32Array(sorted.length * dimensions)
  for (const [at, [, { row }]] of sorted.entries()) {
    const target = ordered.subarray(at * dimensions, (at + 1) * dimensions)
    target.set(data.subarray(row * dimensions, (row + 1) * dimensions))
    normalizeInPlace(target)
  }
  return {
    documents: sorted.map(([id, { title }]) => ({ id, title })),
    dimensions,
    data: ordered,
    collection: info.name,
  }
}
