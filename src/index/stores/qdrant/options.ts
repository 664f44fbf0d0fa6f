import type { QdrantClient, Schemas } from '@qdrant/js-client-rest'
import { checkOptionKeys, type OptionKeys } from '../../../shared/index.ts'

/** What is used of a `QdrantClient`: one of any version that has these calls will do. */
export type QdrantCalls = Pick<
  QdrantClient,
  | 'collectionExists'
  | 'count'
  | 'createCollection'
  | 'createPayloadIndex'
  | 'delete'
  | 'deleteCollection'
  | 'getAliases'
  | 'getCollection'
  | 'getCollections'
  | 'queryBatch'
  | 'retrieve'
  | 'scroll'
  | 'setPayload'
  | 'updateCollection'
  | 'updateCollectionAliases'
  | 'upsert'
  | 'versionInfo'
>

/** How a Qdrant server is reached and how it should keep collections. Qdrant's own settings are passed on as they are. */
export type QdrantOptions = (
  | { readonly url: string; readonly apiKey?: string; readonly client?: never }
  | { readonly client: QdrantCalls; readonly url?: never; readonly apiKey?: never }
) & {
  /** Settings of collections made here: shards, replication, quantization, HNSW, strict mode … */
  readonly collection?: Omit<Schemas['CreateCollection'], 'vectors' | 'sparse_vectors' | 'metadata'>
  /** Settings of the dense vectors of collections made here: `on_disk`, `datatype`, quantization … */
  readonly vectors?: Omit<Schemas['VectorParams'], 'size' | 'distance' | 'multivector_config'>
  /** Indexes of declared fields that should differ from the usual, such as `{ tenant: { type: 'keyword', is_tenant: true } }`. */
  readonly fieldIndexes?: Readonly<Record<string, Schemas['PayloadSchemaParams']>>
  /** How searches are run: `hnsw_ef`, `quantization: { rescore, oversampling }`. */
  readonly search?: Omit<Schemas['SearchParams'], 'exact'>
  /** How many replicas a read asks. */
  readonly consistency?: Schemas['ReadConsistency']
  /** How strictly writes are ordered. */
  readonly ordering?: Schemas['WriteOrdering']
  /** Collections that something else made. */
  readonly foreign?: ForeignOptions
  /** Milliseconds that a call may take. */
  readonly timeout?: number
  /** How often a call is tried again when the server is away or overloaded; every call here may be repeated. */
  readonly retries?: number
}

/** Where things are in a collection made by others; what is left out is detected. */
export interface ForeignOptions {
  /** Name of the vector that is searched. */
  readonly vector?: string
  /** Key of the text in the payload. */
  readonly text?: string
  /** Key of the object that filters look into; `false` for the payload itself. */
  readonly payload?: string | false
  /** Allows writes; they keep the collection's keys and put what else is needed under `qontrast`. */
  readonly write?: boolean
}

const optionKeys: OptionKeys<QdrantOptions> = {
  url: true,
  apiKey: true,
  client: true,
  collection: true,
  vectors: true,
  fieldIndexes: true,
  search: true,
  consistency: true,
  ordering: true,
  foreign: true,
  timeout: true,
  retries: true,
}
const foreignKeys: OptionKeys<ForeignOptions> = { vector: true, text: true, payload: true, write: true }

/** `invalid-option` for a key that is none; Qdrant's own settings are checked by Qdrant. */
export function checkQdrantOptions(options: QdrantOptions): void {
  checkOptionKeys('qdrant', options, optionKeys)
  if (options.foreign) checkOptionKeys('qdrant: foreign', options.foreign, foreignKeys)
}

export const defaultTimeout = 60_000
export const defaultRetries = 7
