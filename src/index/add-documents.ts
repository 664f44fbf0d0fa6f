import {
  checkOptionKeys,
  createPace,
  type Document,
  isQontrastError,
  messageOf,
  type OptionKeys,
  QontrastError,
  throwIfAborted,
} from '../shared/index.ts'
import { batches, checkIterable } from './batches.ts'
import { type Chunking, checkChunking } from './chunk-settings.ts'
import { createFirsts } from './firsts.ts'
import { createLiveWriter } from './live-writes.ts'
import type { Members } from './members.ts'
import { type Failure, nameOf, type PreparedDocument, prepareDocument } from './prepare.ts'
import { prune, type StoredDocument } from './prune.ts'
import { createShardTest, type Shard } from './shard.ts'
import type { VectorStore } from './store.ts'
import type { PreparedWrite } from './write-documents.ts'

export interface AddOptions {
  /** How texts are cut; `false` keeps each whole, and the encoder reads its beginning only. */
  readonly chunk?: Chunking
  /** Takes only the documents of one shard: several processes, each with its own, put one source into one index. */
  readonly shard?: Shard
  /** In the end, deletes every document of the index that the source did not give, whoever put it there (of this shard, if there is one), except those to keep. Refused where it gave none at all. */
  readonly prune?: boolean | { readonly keep: (document: StoredDocument) => boolean }
  readonly onProgress?: (progress: AddProgress) => void
  readonly signal?: AbortSignal
}

const addKeys: OptionKeys<AddOptions> = { chunk: true, shard: true, prune: true, onProgress: true, signal: true }
const pruneKeys: OptionKeys<Exclude<AddOptions['prune'], boolean | undefined>> = { keep: true }

/** What is stored for good; reported after each batch. */
export interface AddProgress {
  readonly documents: number
  readonly chunks: number
  readonly added: number
  readonly updated: number
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

export interface AddTarget {
  readonly store: VectorStore
  readonly members: Members
}

/** Documents that were looked at together, and what they come to in each live generation, the current one first. */
interface Batch {
  readonly inputs: number
  readonly repeated: number
  readonly ids: ReadonlySet<string>
  readonly prepared: ReadonlyMap<string, PreparedDocument>
  readonly writes: readonly PreparedWrite[]
}

const mostFailures = 1_000
const optimizeEvery = 100_000

/** Documents → batches → chunks → vectors → store. While a batch is stored, the next one is encoded. */
export async function addDocuments(
  documents: Iterable<Document<object>> | AsyncIterable<Document<object>>,
  { store, members }: AddTarget,
  options: AddOptions,
): Promise<AddReport> {
  checkOptionKeys('add', options, addKeys)
  const { signal, onProgress, chunk = {} } = options
  if (typeof options.prune === 'object') checkOptionKeys('add: prune', options.prune, pruneKeys)
  const seen = Date.now()
  const totals = { documents: 0, chunks: 0, added: 0, updated: 0, unchanged: 0, cut: 0, failedCount: 0 }
  const failed: Failure[] = []
  const pace = createPace()
  const writer = createLiveWriter({ store, members, seen, signal })
  const isInShard = createShardTest(options.shard)
  let given = 0
  let storing: { ids: ReadonlySet<string>; done: Promise<void> } | undefined
  let sinceOptimize = 0

  const fail = (id: string, error: unknown) => {
    totals.failedCount += 1
    const code = isQontrastError(error) ? error.code : 'internal'
    if (failed.length < mostFailures) failed.push({ id, code, reason: messageOf(error) })
  }

  const firsts = createFirsts(fail)

  checkIterable(documents)
  await members.ensure()
  const { collection: marked, encoder, schema } = await members.follow()
  checkChunking(chunk, encoder)
  const source = batches(documents, signal)
  try {
    for (;;) {
      throwIfAborted(signal)
      const { value: inputs, done } = await source.next()
      if (done) break
      given += inputs.length
      const batch = await prepareBatch(firsts(inputs).filter((input) => isInShard(idOf(input))))
      await storing?.done
      const stored = storeBatch(batch)
      stored.catch(() => {}) // it is awaited after the next batch was encoded
      storing = { ids: batch.ids, done: stored }
    }
  } finally {
    try {
      await storing?.done
    } finally {
      await source.return()
    }
  }
  const pruned = options.prune ? await pruneUnseen(options.prune) : undefined
  await writer.optimize() // also where nothing changed: a run before may have been killed before it came to this
  const { documents: _, ...report } = totals
  return { ...report, failed, ...(pruned === undefined ? {} : { pruned }) }

  async function prepareBatch(inputs: readonly Document<object>[]): Promise<Batch> {
    const prepared = new Map<string, PreparedDocument>()
    let repeated = 0
    for (const input of inputs) {
      await pace()
      try {
        const one = prepareDocument(input, schema.fields, chunk)
        if (prepared.delete(one.document.id)) repeated += 1
        prepared.set(one.document.id, one)
      } catch (error) {
        fail(nameOf(input), error)
      }
    }
    const ids = new Set(inputs.map(idOf))
    if (storing && [...ids].some((id) => storing?.ids.has(id))) await storing.done
    const writes = await writer.prepare(prepared)
    for (const [id, error] of failuresOf(writes)) {
      prepared.delete(id)
      fail(id, error)
    }
    return { inputs: inputs.length, repeated, ids, prepared, writes }
  }

  async function storeBatch({ inputs, repeated, ids, prepared, writes }: Batch): Promise<void> {
    const stored = await writer.store(prepared, writes)
    for (const [id, error] of failuresOf(stored.slice(writes.length))) fail(id, error)
    if (options.prune) await store.markSeen(marked, [...ids], seen).catch(refuseToPrune)
    const [first] = stored
    if (first) count(first, repeated)
    totals.documents += inputs
    if (sinceOptimize >= optimizeEvery) {
      sinceOptimize = 0
      await writer.optimize()
    }
    onProgress?.({ ...totals, failed: totals.failedCount })
  }

  function count({ points, keys, pieces, unchanged }: PreparedWrite, repeated: number): void {
    const chunks = [...points.values()].reduce((sum, own) => sum + own.length, 0)
    const updated = [...points.keys()].filter((id) => keys.has(id)).length
    totals.chunks += chunks
    totals.unchanged += unchanged
    totals.updated += updated + repeated
    totals.added += points.size - updated
    totals.cut += pieces.filter(({ cut }) => cut).length
    sinceOptimize += chunks
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

function failuresOf(writes: readonly PreparedWrite[]): Map<string, unknown> {
  return new Map(writes.flatMap(({ failures }) => failures.map(({ id, error }) => [id, error])))
}
