import type { Schemas } from '@qdrant/js-client-rest'
import { z } from 'zod'
import { type ErrorCode, isQontrastError, type JsonObject, own, QontrastError } from '../../../shared/index.ts'
import { type FieldType, fieldsSchema } from '../../filter/fields.ts'
import { checkSameSchema } from '../check.ts'
import { format, readFormat } from '../format.ts'
import { type CollectionSchema, unknownEncoder } from '../store.ts'
import type { Connection } from './connection.ts'
import { payloadPath } from './filter.ts'
import { decodeJson, encodeJson } from './json.ts'
import { detectLayout, type Layout, ourLayout, recordKey } from './layout.ts'
import { type Limits, limitsOf } from './limits.ts'
import { momentsPath } from './moments.ts'
import type { QdrantCalls, QdrantOptions } from './options.ts'
import { recordPath } from './records.ts'

export interface Described {
  readonly layout: Layout
  readonly schema: CollectionSchema
  readonly info: Schemas['CollectionInfo']
  readonly limits: Limits
  /** Terms of a usual text, where enough texts were put at once to tell. */
  readonly usualTerms?: number
  /** What `optimize` sets the indexing threshold to, in kB of vectors. */
  readonly indexingThreshold: number
}

const samples = 64
const usualThreshold = 10_000
/** The threshold at which indexing begins only when `optimize` says so: an index built while points stream in is built again and again. */
export const deferred = 0

const metadataSchema = z.object({
  format: z.int().positive(),
  indexingThreshold: z.number(),
  usualTerms: z.number().positive().exactOptional(),
  schema: z.object({
    dimensions: z.number().int().positive(),
    encoder: z.object({ name: z.string(), fingerprint: z.string() }),
    fields: fieldsSchema,
    upgradedFrom: z.int().positive().exactOptional(),
  }),
})

/** What a collection is like; undefined where there is none. */
export async function findCollection(
  connection: Connection,
  name: string,
  options: QdrantOptions,
): Promise<Described | undefined> {
  checkCollectionName(name)
  try {
    return await connection.call(name, async (client) => {
      const info = await client.getCollection(name)
      const kept = info.config.metadata?.[recordKey]
      return !isOurs(kept) ? describeForeign(client, name, info, options) : describeOurs(name, info, kept)
    })
  } catch (error) {
    if (isQontrastError(error, 'index-not-found')) return undefined
    throw error
  }
}

/** What is kept with a collection of ours, whole or not; others may keep something under the same name. */
function isOurs(kept: unknown): kept is JsonObject {
  return typeof kept === 'object' && kept !== null && 'format' in kept && 'schema' in kept
}

function describeOurs(name: string, info: Schemas['CollectionInfo'], stored: JsonObject): Described {
  const parsed = metadataSchema.safeParse(decodeJson(stored))
  if (!parsed.success) {
    throw new QontrastError('store-failed', `What is kept with '${name}' is damaged.`, {
      cause: parsed.error,
    })
  }
  const { schema: made, format: written, indexingThreshold, usualTerms } = parsed.data
  const schema = { ...made, ...readFormat(written, `The collection '${name}'`) }
  return {
    layout: ourLayout(schema.dimensions),
    schema,
    info,
    limits: limitsOf(info),
    indexingThreshold,
    ...(usualTerms === undefined ? {} : { usualTerms }),
  }
}

async function describeForeign(
  client: QdrantCalls,
  name: string,
  info: Schemas['CollectionInfo'],
  options: QdrantOptions,
): Promise<Described> {
  const limits = limitsOf(info)
  const { points } = await client.scroll(name, { limit: Math.min(samples, limits.page), with_payload: true })
  const payloads = points.flatMap(({ payload }) => (payload ? [payload] : []))
  const layout = detectLayout(name, info, payloads, options.foreign)
  const schema = { dimensions: layout.dimensions, encoder: unknownEncoder, fields: {} }
  const indexingThreshold = info.config.optimizer_config.indexing_threshold ?? usualThreshold
  return { layout, schema, info, limits, indexingThreshold }
}

/** Makes the collection with its payload indexes, or checks that the one that is there fits. Done twice, it is the same as once. */
export async function ensureCollection(
  connection: Connection,
  name: string,
  schema: CollectionSchema,
  options: QdrantOptions,
): Promise<Described> {
  const existing = await findCollection(connection, name, options)
  if (!existing) return make(connection, name, schema, options)
  checkSameSchema(name, existing.schema, schema)
  if (!existing.layout.ours) checkWritable(name, options)
  await createIndexes(connection, name, existing, options)
  return existing
}

/** What would be refused again; after another failure the next call goes on. */
const refusals: readonly ErrorCode[] = [
  'invalid-option',
  'invalid-filter',
  'invalid-input',
  'store-denied',
  'store-failed',
]

/** A collection with its indexes, or none at all: what the server refuses in the middle is taken back. */
async function make(
  connection: Connection,
  name: string,
  schema: CollectionSchema,
  options: QdrantOptions,
): Promise<Described> {
  const byUs = await create(connection, name, schema, options)
  const made = await findCollection(connection, name, options)
  if (!made) throw new QontrastError('store-busy', `The collection '${name}' was dropped while it was made. Try again.`)
  checkSameSchema(name, made.schema, schema)
  try {
    await createIndexes(connection, name, made, options)
  } catch (error) {
    if (byUs && refusals.some((code) => isQontrastError(error, code))) await connection.call(name, takeBack)
    throw error
  }
  return made

  async function takeBack(client: QdrantCalls): Promise<void> {
    const { points } = await client.scroll(name, { limit: 1, with_payload: false })
    if (points.length === 0) await client.deleteCollection(name)
  }
}

/** Whether it was not there before. */
async function create(
  connection: Connection,
  name: string,
  schema: CollectionSchema,
  options: QdrantOptions,
): Promise<boolean> {
  const layout = ourLayout(schema.dimensions)
  const { optimizers_config: optimizers = {}, ...collection } = options.collection ?? {}
  const asked: unknown = optimizers && Reflect.get(optimizers, 'indexing_threshold')
  const indexingThreshold = typeof asked === 'number' ? asked : usualThreshold
  let byUs = false
  await connection.call(name, async (client) => {
    const { exists } = await client.collectionExists(name) // another process, or an attempt of ours whose answer was lost
    if (exists) return
    try {
      await client.createCollection(name, {
        ...collection,
        vectors: { [layout.vector]: { ...options.vectors, size: schema.dimensions, distance: layout.distance } },
        sparse_vectors: { [layout.lexical ?? '']: { modifier: 'idf' } },
        optimizers_config: { ...optimizers, indexing_threshold: deferred },
        metadata: { [recordKey]: encodeJson({ format, indexingThreshold, schema: { ...schema } }) },
      })
      byUs = true
    } catch (error) {
      if (!(await client.collectionExists(name)).exists) throw error
    }
  })
  return byUs
}

const fieldIndexes: Readonly<Record<FieldType, Schemas['PayloadSchemaParams']>> = {
  keyword: { type: 'keyword' },
  number: { type: 'float' },
  boolean: { type: 'bool' },
  date: { type: 'float' },
}

async function createIndexes(
  connection: Connection,
  name: string,
  { layout, schema, info }: Described,
  options: QdrantOptions,
): Promise<void> {
  const declared = Object.entries(schema.fields).map(([field, type]): [string, Schemas['PayloadSchemaParams']] => [
    type === 'date' && layout.ours ? momentsPath([field]) : payloadPath([field], layout),
    own(options.fieldIndexes ?? {}, field) ?? fieldIndexes[type],
  ])
  const wanted: [path: string, index: Schemas['PayloadSchemaParams']][] = [
    [recordPath('document'), { type: 'keyword' }],
    [recordPath('chunk'), { type: 'integer', lookup: true, range: false }],
    [recordPath('seen'), { type: 'integer', lookup: false, range: true }],
    ...declared,
  ]
  for (const [path, index] of wanted) {
    if (Object.hasOwn(info.payload_schema, path)) continue
    await connection.call(name, (client) =>
      client.createPayloadIndex(name, { field_name: path, field_schema: index, wait: true }),
    )
  }
}

export function checkWritable(name: string, { foreign }: QdrantOptions): void {
  if (foreign?.write) return
  throw new QontrastError(
    'invalid-option',
    `Collection '${name}' was made by something else and is only read. To write into it all the same: qdrant({ foreign: { write: true } }).`,
  )
}

/** What Qdrant takes as a name. */
function checkCollectionName(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (name.length > 0 && name.length <= 255 && !/[<>:"/\\|?*\u0000-\u001f]/.test(name) && !/^\.+$/.test(name)) return
  throw new QontrastError(
    'invalid-option',
    `A collection's name has 1 to 255 characters and none of < > : " / \\ | ? *; got ${JSON.stringify(name.slice(0, 80))}.`,
  )
}
