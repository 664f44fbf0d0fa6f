import { delegateEncoder, type Encoder } from '../embed/index.ts'
import {
  type CollectionInfo,
  type CollectionSchema,
  dropIndex,
  ensureIndex,
  type LoadByName,
  openIndex,
  refuseOutdated,
  type SearchIndex,
  unknownEncoder,
  type VectorStore,
} from '../index/index.ts'
import { QontrastError } from '../shared/index.ts'
import type { ServedEncoder } from './served-encoder.ts'
import { createTurns } from './turns.ts'

/** An index that is being served, with what its views need. */
export interface ServedIndex {
  readonly index: SearchIndex
  readonly store: VectorStore
  readonly fields: CollectionSchema['fields']
  /** Writes of one index go one after the other: of two versions of a document one must win whole. */
  readonly inTurn: ReturnType<typeof createTurns>
}

/** What the server serves: the indexes of one store and the models by their public names. Paths and URLs come from the configuration only. */
export interface Catalog {
  readonly store: VectorStore
  readonly models: ReadonlyMap<string, ServedEncoder>
  /** The model of that name, the first where none is named; `model-not-found` lists what there is. */
  model(name: string | undefined): ServedEncoder
  /** The public name of the model that made an index; undefined where it is not served. */
  modelOf(info: CollectionInfo): string | undefined
  /** How an index that was re-indexed finds the model of its vectors: among those that are served, which stay open. */
  byEncoderName: LoadByName
  /** Rejects with `index-not-found`, or `encoder-mismatch` where its model is not served. */
  open(name: string): Promise<ServedIndex>
  /** Rejects with `already-exists`. */
  create(
    name: string,
    options: { readonly model: string | undefined; readonly fields: CollectionSchema['fields'] },
  ): Promise<void>
  /** Rejects with `index-not-found`. */
  drop(name: string): Promise<void>
  /** Has the index opened anew: it is gone, or was made anew with another model. */
  forget(name: string): void
}

export function createCatalog(store: VectorStore, models: ReadonlyMap<string, ServedEncoder>): Catalog {
  const opened = new Map<string, Promise<ServedIndex>>()
  const creating = createTurns() // of several at once one finds that there is no such index

  function model(name: string | undefined): ServedEncoder {
    const [first] = models.values()
    const found = name === undefined ? first : models.get(name)
    if (found) return found
    const names = [...models.keys()].join(', ')
    throw new QontrastError('model-not-found', `There is no model ${JSON.stringify(name)} here. There is ${names}.`)
  }

  /** What something else made does not say by which model: the only one whose vectors are as long will do. */
  function modelOf({ schema }: CollectionInfo): string | undefined {
    if (schema.encoder.fingerprint === unknownEncoder.fingerprint) {
      const [fitting, ...others] = [...models].filter(([, { dimensions }]) => dimensions === schema.dimensions)
      return others.length === 0 ? fitting?.[0] : undefined
    }
    return [...models].find(([, { fingerprint }]) => fingerprint === schema.encoder.fingerprint)?.[0]
  }

  async function byEncoderName(encoderName: string, { dimensions }: { dimensions?: number }): Promise<Encoder> {
    const named = [...models.values()].filter(({ name }) => name === encoderName)
    const found = dimensions === undefined ? named[0] : named.find((encoder) => encoder.dimensions === dimensions)
    if (found) return delegateEncoder(found, { close: async () => {}, [Symbol.asyncDispose]: async () => {} })
    throw new QontrastError('model-not-found', `The model '${encoderName}' is not served here.`)
  }

  function forget(name: string): void {
    opened.delete(name)
  }

  async function openAnew(name: string): Promise<ServedIndex> {
    const info = await store.info(name)
    if (!info) throw new QontrastError('index-not-found', `There is no index '${name}'.`)
    refuseOutdated(name, info.schema)
    const made = modelOf(info)
    if (made === undefined) {
      throw new QontrastError(
        'encoder-mismatch',
        `The index '${name}' was made with a model that is not served here (${[...models.keys()].join(', ')}).`,
      )
    }
    const encoder = model(made)
    return {
      index: await openIndex({ name, encoder, store, loadEncoder: byEncoderName, create: false }),
      store,
      fields: info.schema.fields,
      inTurn: createTurns(),
    }
  }

  return {
    store,
    models,
    model,
    modelOf,
    byEncoderName,
    async open(name) {
      const known = opened.get(name) ?? openAnew(name)
      opened.set(name, known)
      try {
        return await known
      } catch (error) {
        opened.delete(name)
        throw error
      }
    },
    async create(name, options) {
      const { dimensions, name: encoderName, fingerprint } = model(options.model)
      await creating(async () => {
        if (await store.info(name)) throw new QontrastError('already-exists', `There is an index '${name}' already.`)
        const encoder = { name: encoderName, fingerprint }
        await ensureIndex(store, name, { dimensions, encoder, fields: options.fields })
      })
    },
    async drop(name) {
      forget(name)
      await dropIndex(store, name)
    },
    forget,
  }
}
