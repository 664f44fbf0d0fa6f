/**
 * node reindex-worker.ts reindex FOLDER MODEL: re-indexes, and prints how many chunks are stored after each batch.
 * node reindex-worker.ts write FOLDER FROM TO VERSION: puts documents a few at a time, and prints up to which they are stored.
 * For tests that kill it.
 */
import { writeSync } from 'node:fs'
import {
  dropOldIndex,
  isQontrastError,
  lancedb,
  loadEncoder,
  openIndex,
  reindex,
  type SearchIndex,
  type VectorStore,
} from '../../src/main.ts'
import { wordDocument } from './static-models.ts'

const atOnce = 20

const [job = '', folder = '', ...rest] = process.argv.slice(2)
await (job === 'reindex' ? reindexTo(rest[0] ?? '') : write(rest.map(Number)))

async function reindexTo(model: string): Promise<void> {
  await using store = lancedb({ path: folder })
  await using encoder = await loadEncoder(model)
  await reindex({ store, index: 'docs', encoder, onProgress: ({ chunks }) => writeSync(1, `${chunks}\n`) })
  await dropOldIndex({ store, index: 'docs' })
}

async function write([from = 0, to = 0, version = 0]: readonly number[]): Promise<void> {
  await using store = lancedb({ path: folder })
  await using index = await openCurrent(store)
  for (let at = from; at < to; at += atOnce) {
    const documents = Array.from({ length: Math.min(atOnce, to - at) }, (_, i) => wordDocument(at + i, version))
    await index.add(documents)
    writeSync(1, `${at + documents.length}\n`)
  }
}

/** Opens the index with its own encoder, once more where it was switched in between. */
async function openCurrent(store: VectorStore): Promise<SearchIndex> {
  const info = await store.info('docs')
  const encoder = await loadEncoder(info?.schema.encoder.name)
  try {
    return await openIndex({ name: 'docs', encoder, store })
  } catch (error) {
    if (!isQontrastError(error, 'encoder-mismatch')) throw error
    return openCurrent(store)
  }
}
