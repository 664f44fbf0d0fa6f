import {
  checkOptionKeys,
  createPace,
  type Document,
  isQontrastError,
  messageOf,
  type OptionKeys,
  orAborted,
  patientSignal,
  QontrastError,
  throwIfAborted,
} from '../../shared/index.ts'
import type { Members } from '../generations/members.ts'
import type { VectorStore } from '../stores/store.ts'
import { within } from '../stores/within.ts'
import { type Chunking, checkChunking } from '../text/chunk-settings.ts'
import { batches, checkIterable } from './batches.ts'
import { createFirsts } from './firsts.ts'
import { createLiveWriter } from './live-writes.ts'
import { createMeter } from './meter.ts'
import { type Failure, nameOf, type PreparedDocument, prepareDocument } from './prepare.ts'
import { prune, type StoredDocument } from './prune.ts'
import { createShardTest, type Shard } from './shard.ts'
import type { PreparedWrite } from './write-documents.ts'

export interface AddOptions {
  /** How texts are cut; `false` keeps each whole, and the encoder reads its beginning only. */
  readonly chunk?: Chunking
  /** Takes only the documents of one shard: several processes, each with its own, put one source into one index. */
  readonly shard?: Shard
  /** In the end, deletes every document of the index that the source did not give, whoever put it there (of this shard, if there is one), except those to keep. Refused where it gave none at all. */
  readonly prune?: boolean | { readonly keep: (document: StoredDocument) => boolean }
  /** After many documents, waits until the store's indexes are up to date where that pays; `false` leaves it to the background, as after few. */
  readonly optimize?: boolean
  readonly onProgress?: (progress: AddProgress) => void
  readonly signal?: AbortSignal
}

const addKeys: OptionKeys<AddOptions> = {
  chunk: true,
  shard: true,
  prune: true,
  optimize: true,
  onProgress: true,
  signal: true,
}
const pruneKeys: OptionKeys<Exclude<AddOptions['prune'], boolean | undefined>> = { keep: true }

/** What is stored for good, and how much was embedded; reported after each batch, and about once a second within one that takes longer. */
export interface AddProgress {
  readonly documents: number
  readonly chunks: number
  /** Chunks that the encoder read, also of documents that are not stored yet. */
  readonly embedded: number
  /** Chunks of changed documents that keep a vector which was stored. */
  readonly reused: number
  readonly added: number
  readonly updated: number
  /** Documents that were there in this version, or that another call stored meanwhile. */
  readonly unchanged: number
  readonly failed: number
}

export interface AddReport extends Omit<AddProgress, 'failed' | 'documents'> {
  /** Documents put whole (`chunk: false`) of which the encoder could read the beginning only. */
  readonly cut: number
  /** The first 1,000 documents that failed; the others are stored all the same. */
  readonly failed: readonly Failure[]
  readonly failedCount: number
  /** Documents that `prune` deleted. */
  readonly pruned?: number
}

/** What a stopped {@link SearchIndex.add} had stored by then; undefined for other errors. */
export function reportOf(error: unknown): AddReport | undefined {
  return isQontrastError(error) ? reports.get(error) : undefined
}

const reports = new WeakMap<Error, AddReport>()

export interface AddTarget {
  readonly store: VectorStore
  readonly members: Members
}

/** Documents that were looked at together, and what they come to in each live generation, the current one first. */
interface Batch {
  readonly inputs: number
  readonly ids: ReadonlySet<string>
  readonly prepared: ReadonlyMap<string, PreparedDocument>
  readonly writes: readonly PreparedWrite[]
}

const mostFailures = 1_000
const optimizeEvery = 100_000
/** Documents or chunks of a call after which indexes are looked at; after fewer, the store does so when it pays. */
const many = 64
/** Milliseconds that a store gets to finish what it is at, once the signal has fired. */
const patience = 1_000
const nothing = {
  documents: 0,
  chunks: 0,
  embedded: 0,
  reused: 0,
  added: 0,
  updated: 0,
  unchanged: 0,
  cut: 0,
  failedCount: 0,
}

/** Documents → batches → chunks → vectors → store. While a batch is stored, the next one is encoded. */
export async function addDocuments(
  documents: Iterable<Document<object>> | AsyncIterable<Document<object>>,
  { store, members }: AddTarget,
  options: AddOptions,
): Promise<AddReport> {
  checkOptionKeys('add', options, addKeys)
  const { signal, onProgress, chunk = {} } = options
  const when = options.optimize === false ? 'background' : 'due'
  if (typeof options.prune === 'object') checkOptionKeys('add: prune', options.prune, pruneKeys)
  const seen = Date.now()
  const totals = { ...nothing }
  const failed: Failure[] = []
  const pace = createPace()
  const meter = createMeter()
  const tellProgress = () => {
    const { cut: _, failedCount, ...progress } = totals
    onProgress?.({ ...progress, failed: failedCount })
  }
  const onEmbedded = (chunks: number) => {
    totals.embedded += chunks
    tellProgress()
  }
  const patient = signal && patientSignal(signal, patience)
  const stored = within(store, patient?.signal)
  const writer = createLiveWriter({ store: stored, members, seen, meter, signal, onEmbedded })
  const isInShard = createShardTest(options.shard)
  let given = 0
  let storing: { ids: ReadonlySet<string>; done: Promise<void> } | undefined
  let sinceOptimize = 0

  const fail = (id: string, error: unknown) => {
    totals.failedCount += 1
    const code = isQontrastError(error) ? error.code : 'internal'
    if (failed.length < mostFailures) failed.push({ id, code, reason: messageOf(error) })
  }
  const report = (): AddReport => {
    const { documents: _, ...rest } = totals
    return { ...rest, failed }
  }

  const reported = (error: unknown): never => {
    if (isQontrastError(error, 'aborted')) reports.set(error, report())
    throw error
  }
  const firsts = createFirsts(fail)

  checkIterable(documents)
  const opened = members.ensure().then(() => members.follow())
  const { collection: marked, encoder, schema } = await orAborted(opened, signal).catch(reported)
  checkChunking(chunk, encoder)
  const source = batches(documents, { signal, characters: meter.budget })
  try {
    for (;;) {
      throwIfAborted(signal)
      const { value: inputs, done } = await source.next()
      if (done) break
      given += inputs.length
      const batch = await prepareBatch(firsts(inputs).filter((input) => isInShard(idOf(input))))
      await storing?.done
      const ended = orAborted(storeBatch(batch), patient?.signal)
      ended.catch(() => {}) // it is awaited after the next batch was encoded
      storing = { ids: batch.ids, done: ended }
    }
    await storing?.done
  } catch (error) {
    await storing?.done.catch(unlessAborted)
    return reported(error)
  } finally {
    patient?.stop()
    await source.return()
  }
  const pruned = options.prune ? await orAborted(pruneUnseen(options.prune), signal) : undefined
  // also where nothing changed: a run before may have been killed before it came to this
  if (Math.max(given, totals.chunks) >= many || !store.capabilities.upkeep)
    await orAborted(writer.optimize(when), signal)
  return { ...report(), ...(pruned === undefined ? {} : { pruned }) }

  async function prepareBatch(inputs: readonly Document<object>[]): Promise<Batch> {
    const prepared = new Map<string, PreparedDocument>()
    for (const input of inputs) {
      await pace()
      try {
        const one = prepareDocument(input, schema.fields, chunk)
        prepared.set(one.document.id, one)
      } catch (error) {
        fail(nameOf(input), error)
      }
    }
    const ids = new Set(inputs.map(idOf))
    if (storing && [...ids].some((id) => storing?.ids.has(id))) await storing.done
    const writes = await writer.prepare(prepared)
    for (const [id, error] of new Map(writes.flatMap(({ failures }) => failures.map(({ id, error }) => [id, error])))) {
      prepared.delete(id)
      fail(id, error)
    }
    const left = new Set(writes.flatMap((write) => write.left))
    for (const id of left) prepared.delete(id)
    return {
      inputs: inputs.length - left.size,
      ids: new Set([...ids].filter((id) => !left.has(id))),
      prepared,
      writes,
    }
  }

  async function storeBatch({ inputs, ids, prepared, writes }: Batch): Promise<void> {
    const { failures, added, updated, unchanged } = await writer.store(prepared, writes)
    for (const { id, error } of failures) fail(id, error)
    if (options.prune) await stored.markSeen(marked, [...ids], seen).catch(refuseToPrune)
    const [first] = writes
    const written = new Set([...added, ...updated])
    const chunks = [...(first?.points ?? [])].reduce((sum, [id, own]) => sum + (written.has(id) ? own.length : 0), 0)
    totals.chunks += chunks
    totals.reused += first?.reused ?? 0
    totals.unchanged += unchanged.length
    totals.updated += updated.length
    totals.added += added.length
    totals.cut += first?.pieces.filter(({ cut }) => cut).length ?? 0
    totals.documents += inputs
    sinceOptimize += chunks
    if (sinceOptimize >= optimizeEvery) {
      sinceOptimize = 0
      await writer.optimize(when)
    }
    tellProgress()
  }

  async function pruneUnseen(setting: Exclude<AddOptions['prune'], undefined>): Promise<number> {
    if (given === 0) {
      throw new QontrastError(
        'invalid-input',
        'No document was given, so prune would empty the index. Drop the index if that is meant.',
      )
    }
    const keep = typeof setting === 'object' ? setting.keep : () => false
    const mayGo = (document: StoredDocument) => isInShard(document.id) && !keep(document)
    return prune(store, members, { collection: marked, seen, mayGo, signal }).catch(refuseToPrune)
  }
}

function unlessAborted(error: unknown): void {
  if (!isQontrastError(error, 'aborted')) throw error
}

function refuseToPrune(cause: unknown): never {
  if (!isQontrastError(cause, 'index-not-found')) throw cause
  throw new QontrastError(
    'store-busy',
    'The generation that this run marked its documents in was dropped meanwhile, so it cannot tell what to prune. What was stored stays; run it again.',
    { cause },
  )
}

/** Documents without an id are all in one shard, and fail there. */
function idOf(input: { readonly id?: unknown } | null | undefined): string {
  return typeof input?.id === 'string' ? input.id : ''
}
