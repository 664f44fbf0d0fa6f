import type { Encoder } from '../embed/index.ts'
import { isQontrastError, messageOf, QontrastError } from '../shared/index.ts'
import { type CarriedOver, carryOver } from './carry-over.ts'
import { checkSample } from './check-sample.ts'
import { createEncoders, type LoadByName } from './encoders.ts'
import { type Generation, type Generations, readGenerations } from './generations.ts'
import { type Member, toMember } from './members.ts'
import { generationNumber, nextAlias, nextGeneration, previousAlias } from './names.ts'
import type { VectorStore } from './store.ts'

export interface ReindexProgress {
  /** Passes over the whole index: the first embeds, those after it mend what changed meanwhile. */
  readonly pass: number
  /** Documents of this pass that are compared, and mended where they differ, of how many. */
  readonly documents: number
  readonly total: number
  /** Chunks that this run embedded. */
  readonly chunks: number
}

interface Options {
  readonly store: VectorStore
  readonly index: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ReindexProgress) => void
}

export interface ReindexOptions extends Options {
  readonly encoder: Encoder
}

export interface RollbackOptions extends Options {
  /** How the encoder of the generation before is opened, if documents changed since; closed afterwards. Defaults to {@link loadEncoder}. */
  readonly loadEncoder?: LoadByName
}

export interface ReindexReport {
  readonly index: string
  /** Collection that the index named before, and names now; the same where there was nothing to do. */
  readonly from: string
  readonly to: string
  readonly documents: number
  /** Chunks that this run embedded. */
  readonly chunks: number
}

const mostPasses = 12

/**
 * Puts an index on another encoder while it is searched and written: builds a new generation from the stored texts, then has the index's name point to it in one step.
 * Broken off at any moment, it goes on where it was. The generation before is kept until {@link dropOldIndex}, and {@link rollbackIndex} goes back to it.
 * Rejects with `index-not-found`, `invalid-option`, `invalid-input` (a document cannot be carried over), `aborted` or what the encoder says.
 */
export async function reindex({ encoder, ...options }: ReindexOptions): Promise<ReindexReport> {
  const { store, index } = options
  const generations = await readGenerations(store, index)
  const { current } = generations
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
  const member = toMember(target, encoder)
  try {
    return await moveTo({ ...options, generations, target, member: async () => member })
  } catch (error) {
    if (isQontrastError(error, 'store-busy')) await dropUnnamed(store, target)
    throw error
  }
}

/**
 * Goes back to the generation before, with all that was written since; or gives up a re-index that is not finished.
 * Rejects with `invalid-option` where there is nothing to go back to, `encoder-mismatch` where documents changed and the model of that generation is not here.
 */
export async function rollbackIndex({ loadEncoder, ...options }: RollbackOptions): Promise<ReindexReport> {
  const { store, index } = options
  const generations = await readGenerations(store, index)
  const { current, next, previous } = generations
  const number = (generation: Generation) => generationNumber(index, generation.collection)
  if (next && next.collection !== previous?.collection && number(next) > number(current)) {
    await store.alias(nextAlias(index), undefined) // first, so that nobody writes to it any more
    await store.drop(next.collection)
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
  const encoders = createEncoders(undefined, loadEncoder)
  try {
    const member = async () => toMember(target, await encoders.fitting(index, target.schema))
    return await moveTo({ ...options, generations, target, member })
  } finally {
    await encoders.close()
  }
}

/** Drops the generation that {@link rollbackIndex} would go back to; returns its name, or undefined where there is none. */
export async function dropOldIndex({
  store,
  index,
}: {
  readonly store: VectorStore
  readonly index: string
}): Promise<string | undefined> {
  const { next, previous } = await readGenerations(store, index)
  if (previous && previous.collection === next?.collection) throw underWay(index, next)
  if (previous) await store.drop(previous.collection)
  await store.alias(previousAlias(index), undefined)
  return previous?.collection
}

interface Move extends Options {
  readonly generations: Generations
  readonly target: Generation
  readonly member: () => Promise<Member>
}

/** Marks the target as live, brings it up to date, checks it, and switches. */
async function moveTo({ store, index, generations, target, member, signal, onProgress }: Move): Promise<ReindexReport> {
  const { current, previous } = generations
  const total = await countDocuments(store, current)
  let embedded = 0
  await store.alias(nextAlias(index), target.collection)

  /** Once another process has switched, what differs is newer in the target, and one that builds another target has come later: nothing may be written any more. */
  const check = async () => {
    const aliases = await store.aliases()
    const unchanged = aliases.get(index) === current.collection && aliases.get(nextAlias(index)) === target.collection
    if (!unchanged) throw switchedMeanwhile(index)
  }
  const pass = async (number: number): Promise<CarriedOver> => {
    const before = embedded
    return carryOver({
      store,
      from: current.collection,
      to: { collection: target.collection, member },
      check,
      patient: number > 1,
      signal,
      onProgress: ({ compared, chunks }) => {
        embedded = before + chunks
        onProgress?.({ pass: number, documents: compared, total: Math.max(total, compared), chunks: embedded })
      },
    })
  }
  let carried = await pass(1)
  refuseFailures(index, carried.failures)
  await store.optimize(target.collection, signal ? { signal } : {})
  for (let number = 2; carried.mended > 0 && number <= mostPasses; number++) {
    carried = await pass(number)
    refuseFailures(index, carried.failures)
  }
  if (carried.mended > 0) throw neverStill(index)
  if (embedded > 0) await checkSample(store, current.collection, await member())

  await check()
  await switchTo({ store, index, current, previous, target })
  return { index, from: current.collection, to: target.collection, documents: carried.documents, chunks: embedded }
}

/** Only the step in the middle counts: an alias that a broken-off switch leaves is read rightly, and the next run takes it away. */
async function switchTo({
  store,
  index,
  current,
  previous,
  target,
}: {
  store: VectorStore
  index: string
  current: Generation
  previous: Generation | undefined
  target: Generation
}): Promise<void> {
  if (previous && previous.collection !== target.collection) await store.drop(previous.collection)
  await store.alias(previousAlias(index), current.collection)
  await store.alias(index, target.collection)
  await store.alias(nextAlias(index), undefined)
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

function countDocuments(store: VectorStore, { collection }: Generation): Promise<number> {
  return store.count(collection, { unit: 'documents' })
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

function refuseFailures(index: string, failures: ReadonlyMap<string, unknown>): void {
  const [first] = failures
  if (!first) return
  throw new QontrastError(
    'invalid-input',
    `${failures.size} of the documents of '${index}' cannot be carried over, so it stays as it is. The first is ${JSON.stringify(first[0])}: ${messageOf(first[1])} Index them again or delete them, then run this again.`,
    { cause: first[1] },
  )
}

function switchedMeanwhile(index: string): QontrastError {
  return new QontrastError(
    'store-busy',
    `Another process re-indexed '${index}', or rolled it back, at the same time, and was first. Run this again to see what is left to do.`,
  )
}

function neverStill(index: string): QontrastError {
  return new QontrastError(
    'store-busy',
    `Documents of '${index}' kept changing in one generation only, in ${mostPasses} passes: does another version of this package write to it? It stays as it is; stop the writers and run this again.`,
  )
}
