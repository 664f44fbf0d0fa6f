import type { Encoder } from '../../embed/index.ts'
import { checkOptionKeys, isQontrastError, type OptionKeys, QontrastError } from '../../shared/index.ts'
import { createEncoders, type LoadByName } from '../generations/encoders.ts'
import { type Generation, readGenerations } from '../generations/generations.ts'
import { isOutdated, refuseOutdated } from '../stores/format.ts'
import { generationNumber, nextAlias, nextGeneration, previousAlias } from '../stores/names.ts'
import type { VectorStore } from '../stores/store.ts'
import { patientlyWithin } from '../stores/within.ts'
import { countDocuments, type MoveOptions, moveKeys, moveTo, type ReindexReport } from './move-to.ts'

/** Where an index is. */
type Place = Pick<MoveOptions, 'store' | 'index'>

export interface ReindexOptions extends MoveOptions {
  readonly encoder: Encoder
}

export interface RollbackOptions extends MoveOptions {
  /** How the encoder of the generation before is opened, if documents changed since; closed afterwards. Defaults to {@link loadEncoder}. */
  readonly loadEncoder?: LoadByName
}

const reindexKeys: OptionKeys<ReindexOptions> = { ...moveKeys, encoder: true }
const rollbackKeys: OptionKeys<RollbackOptions> = { ...moveKeys, loadEncoder: true }
const placeKeys: OptionKeys<Place> = { store: true, index: true }

/**
 * Puts an index on another encoder while it is searched and written: builds a new generation from the stored texts, then has the index's name point to it in one step.
 * Broken off at any moment, it goes on where it was. The generation before is kept until {@link dropOldIndex}, and {@link rollbackIndex} goes back to it.
 * Rejects with `index-not-found`, `invalid-option`, `invalid-input` (a document cannot be carried over), `aborted` or what the encoder says.
 */
export async function reindex(given: ReindexOptions): Promise<ReindexReport> {
  checkOptionKeys('reindex', given, reindexKeys)
  const { encoder, ...options } = given
  const { index } = options
  const store = patientlyWithin(options.store, options.signal)
  const generations = await readGenerations(store, index)
  const { current } = generations
  refuseOutdated(index, current.schema)
  if (generationNumber(index, current.collection) === 0) throw withoutGenerations(index)
  const fits = (generation: Generation | undefined) => generation?.schema.encoder.fingerprint === encoder.fingerprint
  if (fits(current)) {
    if (!generations.next) await tidy(store, index)
    return {
      index,
      from: current.collection,
      to: current.collection,
      documents: await countDocuments(store, current),
      chunks: 0,
    }
  }
  if (generations.next && !fits(generations.next)) throw underWay(index, generations.next)
  const known = generations.next ?? (fits(generations.previous) ? generations.previous : undefined)
  const target = known ?? (await createNext(store, index, current, encoder))
  const member = { ...target, encoder }
  try {
    return await moveTo({ ...options, store, generations, target, member: async () => member })
  } catch (error) {
    if (isQontrastError(error, 'store-busy')) await dropUnnamed(store, target)
    throw error
  }
}

/**
 * Goes back to the generation before, with all that was written since; or gives up a re-index that is not finished.
 * Rejects with `invalid-option` where there is nothing to go back to, `encoder-mismatch` where documents changed and the model of that generation is not here.
 */
export async function rollbackIndex(given: RollbackOptions): Promise<ReindexReport> {
  checkOptionKeys('rollbackIndex', given, rollbackKeys)
  const { loadEncoder, ...options } = given
  const { index } = options
  const store = patientlyWithin(options.store, options.signal)
  const generations = await readGenerations(store, index)
  const { current, next, previous } = generations
  const number = (generation: Generation) => generationNumber(index, generation.collection)
  if (next && number(next) > number(current)) {
    await store.alias(nextAlias(index), undefined) // first, so that nobody writes to it any more
    if (next.collection !== previous?.collection) await store.drop(next.collection)
    return {
      index,
      from: next.collection,
      to: current.collection,
      documents: await countDocuments(store, current),
      chunks: 0,
    }
  }
  const target = next ?? previous
  if (!target) {
    throw new QontrastError(
      'invalid-option',
      `Index '${index}' has no generation to go back to: it was not re-indexed, or the old one was dropped.`,
    )
  }
  if (isOutdated(target.schema)) {
    throw new QontrastError(
      'invalid-option',
      `The generation before of '${index}' is in an older form: qontrast upgrade --index ${index} --rollback goes back to it.`,
    )
  }
  const encoders = createEncoders(undefined, loadEncoder)
  try {
    const member = async () => ({ ...target, encoder: await encoders.fitting(index, target.schema) })
    return await moveTo({ ...options, store, generations, target, member })
  } finally {
    await encoders.close()
  }
}

/** Drops the generation that {@link rollbackIndex} would go back to; returns its name, or undefined where there is none. */
export async function dropOldIndex(place: Place): Promise<string | undefined> {
  checkOptionKeys('dropOldIndex', place, placeKeys)
  const { store, index } = place
  const { next, previous } = await readGenerations(store, index)
  if (previous && previous.collection === next?.collection) throw underWay(index, next)
  if (previous) await store.drop(previous.collection)
  await store.alias(previousAlias(index), undefined)
  return previous?.collection
}

/** Makes the generation to build. */
async function createNext(
  store: VectorStore,
  index: string,
  current: Generation,
  encoder: Encoder,
): Promise<Generation> {
  const collection = nextGeneration(index, current.collection)
  const schema = {
    dimensions: encoder.dimensions,
    encoder: { name: encoder.name, fingerprint: encoder.fingerprint },
    fields: current.schema.fields,
    ...(current.schema.upgradedFrom === undefined ? {} : { upgradedFrom: current.schema.upgradedFrom }),
  }
  await store.ensure(collection, schema)
  return { collection, schema }
}

/** Of two runs that began at once, the one whose generation nobody names takes it away. */
async function dropUnnamed(store: VectorStore, { collection }: Generation): Promise<void> {
  if ([...(await store.aliases()).values()].includes(collection)) return
  if (await store.info(collection)) await store.drop(collection)
}

async function tidy(store: VectorStore, index: string): Promise<void> {
  if ((await store.aliases()).has(nextAlias(index))) await store.alias(nextAlias(index), undefined)
}

function withoutGenerations(index: string): QontrastError {
  return new QontrastError(
    'invalid-option',
    `'${index}' is a collection of its own, not an alias, so nothing can be switched in its place. Copy it into an index first: qontrast copy --index ${index} --as NAME.`,
  )
}

function underWay(index: string, next: Generation): QontrastError {
  const { name } = next.schema.encoder
  return new QontrastError(
    'invalid-option',
    `Index '${index}' is being re-indexed with '${name}', or that was broken off. Finish it with qontrast reindex --index ${index} --model ${name}, or give it up with --rollback.`,
  )
}
