import type { Encoder } from '../embed/index.ts'
import { type CollectionSchema, indexNotFound, openIndex, type SearchIndex, type VectorStore } from '../index/index.ts'
import { QontrastError } from '../shared/index.ts'

/** Opens an index for work that embeds nothing: its model is not loaded, nor needed. Rejects with `index-not-found`. */
export async function openStoredIndex(store: VectorStore, name: string): Promise<SearchIndex> {
  const info = await store.info(name)
  if (!info) throw await indexNotFound(store, name)
  const encoder = absentEncoder(info.schema)
  return openIndex({ name, encoder, store, loadEncoder: async () => encoder })
}

/** Stands for the encoder of an index. */
function absentEncoder({ encoder: { name, fingerprint }, dimensions }: CollectionSchema): Encoder {
  const refuse = () => {
    throw new QontrastError('internal', `the model '${name}' is needed where none was loaded`)
  }
  return {
    name,
    fingerprint,
    dimensions,
    accepts: new Set(['text']),
    text: { maximumTokens: Number.POSITIVE_INFINITY, countTokens: refuse },
    encode: async () => refuse(),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}
