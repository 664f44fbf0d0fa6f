import type { Encoder } from '../embed/index.ts'
import {
  createPace,
  type Document,
  isQontrastError,
  messageOf,
  QontrastError,
  throwIfAborted,
} from '../shared/index.ts'
import { batches, checkIterable } from './batches.ts'
import { createCutter, encodePieces, type Piece } from './encode-documents.ts'
import { ensureIndex } from './generations.ts'
import { type Failure, nameOf, type PreparedDocument, prepareDocument } from './prepare.ts'
import type { CollectionSchema, Point, PointKey, VectorStore } from './store.ts'

export interface ChunkSettings {
  /** Most tokens of a chunk, its title included; no more than the encoder reads. Defaults to what the encoder recommends, else 256. */
  readonly tokens?: number
  /** Tokens that a chunk shares with the one before. */
  readonly overlap?: number
}

export interface AddOptions {
  /** How texts are cut; `false` keeps each whole, and the encoder reads its beginning only. */
  readonly chunk?: ChunkSettings | false
  readonly onProgress?: (progress: AddProgress) => void
  readonly signal?: AbortSignal
}

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
}

export interface AddTarget {
  readonly collection: string
  readonly schema: CollectionSchema
  readonly store: VectorStore
  readonly encoder: Encoder
}

const mostFailures = 1_000
const optimizeEvery = 100_000
const defaultTokens = 256
const defaultOverlapShare = 0.1

/** Documents → batches → chunks → vectors → store. While a batch is stored, the next one is encoded. */
export async function addDocuments(
  documents: Iterable<Document> | AsyncIterable<Document>,
  target: AddTarget,
  options: AddOptions,
): Promise<AddReport> {
  const { signal, onProgress } = options
  const { store, collection } = target
  const settings = chunkSettings(options.chunk, target.encoder)
  const cutDocument = createCutter(settings, target.encoder)
  const totals = { documents: 0, chunks: 0, added: 0, updated: 0, unchanged: 0, cut: 0, failedCount: 0 }
  const failed: Failure[] = []
  const pace = createPace()
  let storing: { ids: ReadonlySet<string>; done: Promise<void> } | undefined
  let sinceOptimize = 0

  const fail = (id: string, error: unknown) => {
    totals.failedCount += 1
    const code = isQontrastError(error) ? error.code : 'internal'
    if (failed.length < mostFailures) failed.push({ id, code, reason: messageOf(error) })
  }

  checkIterable(documents)
  await ensureIndex(store, collection, target.schema)
  const source = batches(documents, signal)
  try {
    for (;;) {
      throwIfAborted(signal)
      const { value: inputs, done } = await source.next()
      if (done) break
      const prepared = new Map<string, PreparedDocument>()
      let repeated = 0
      for (const input of inputs) {
        await pace()
        try {
          const one = prepareDocument(input, target.schema.fields, settings)
          if (prepared.delete(one.document.id)) repeated += 1
          prepared.set(one.document.id, one)
        } catch (error) {
          fail(nameOf(input), error)
        }
      }
      if (storing && [...prepared.keys()].some((id) => storing?.ids.has(id))) await storing.done
      const keys = await keysByDocument([...prepared.keys()])
      const changed = [...prepared.values()].filter((one) => !isUnchanged(one, keys.get(one.document.id) ?? []))
      const pieces: Piece[] = []
      for (const one of changed) {
        await pace()
        pieces.push(await cutDocument(one))
      }
      const { points, failures } = await encodePieces(pieces, target.encoder, signal)
      for (const { id, error } of failures) fail(id, error)

      await storing?.done
      const stored = storeBatch({
        inputs: inputs.length,
        repeated,
        unchanged: prepared.size - changed.length,
        points,
        keys,
        pieces,
      })
      stored.catch(() => {}) // it is awaited after the next batch was encoded
      storing = { ids: new Set(prepared.keys()), done: stored }
    }
  } finally {
    try {
      await storing?.done
    } finally {
      await source.return()
    }
  }
  if (totals.added + totals.updated > 0) await store.optimize(collection)
  const { documents: _, ...report } = totals
  return { ...report, failed }

  async function keysByDocument(ids: readonly string[]): Promise<Map<string, PointKey[]>> {
    const keys = new Map<string, PointKey[]>()
    for (const key of await store.keys(collection, ids)) {
      const others = keys.get(key.documentId)
      if (others) others.push(key)
      else keys.set(key.documentId, [key])
    }
    return keys
  }

  interface Batch {
    readonly inputs: number
    readonly repeated: number
    readonly unchanged: number
    readonly points: ReadonlyMap<string, readonly Point[]>
    readonly keys: ReadonlyMap<string, readonly PointKey[]>
    readonly pieces: readonly Piece[]
  }

  /** New chunks first, then those that the new version no longer has: a reader never misses a document. */
  async function storeBatch({ inputs, repeated, unchanged, points, keys, pieces }: Batch): Promise<void> {
    const written = [...points.values()].flat()
    await store.upsert(collection, written)
    const kept = new Set(written.map(({ id }) => id))
    const stale = [...points.keys()].flatMap((id) => keys.get(id) ?? []).filter(({ id }) => !kept.has(id))
    if (stale.length > 0) await store.delete(collection, { ids: stale.map(({ id }) => id) })

    const updated = [...points.keys()].filter((id) => keys.has(id)).length
    totals.documents += inputs
    totals.chunks += written.length
    totals.unchanged += unchanged
    totals.updated += updated + repeated
    totals.added += points.size - updated
    totals.cut += pieces.filter(({ cut }) => cut).length
    sinceOptimize += written.length
    if (sinceOptimize >= optimizeEvery) {
      await store.optimize(collection)
      sinceOptimize = 0
    }
    onProgress?.({ ...totals, failed: totals.failedCount })
  }
}

/** Unchanged is only what is there whole: a run that was killed in the middle of a document is finished by the next. */
function isUnchanged({ hash }: PreparedDocument, keys: readonly PointKey[]): boolean {
  const [first] = keys
  return first !== undefined && keys.length === first.chunks && keys.every((key) => key.hash === hash)
}

function chunkSettings(
  chunk: ChunkSettings | false | undefined,
  encoder: Encoder,
): { tokens: number; overlap: number } | false {
  if (chunk === false) return false
  const tokens = chunk?.tokens ?? Math.min(encoder.chunkTokens ?? defaultTokens, encoder.maximumTokens)
  const overlap = chunk?.overlap ?? Math.floor(tokens * defaultOverlapShare)
  if (!(Number.isInteger(tokens) && tokens > 0))
    throw new QontrastError('invalid-option', `chunk.tokens must be a whole number above 0; got ${tokens}.`)
  if (!(Number.isInteger(overlap) && overlap >= 0 && overlap < tokens)) {
    throw new QontrastError(
      'invalid-option',
      `chunk.overlap must be a whole number from 0 to chunk.tokens (${tokens}), itself excluded; got ${overlap}.`,
    )
  }
  if (tokens > encoder.maximumTokens) {
    throw new QontrastError(
      'invalid-option',
      `chunk.tokens is ${tokens}; the encoder '${encoder.name}' reads ${encoder.maximumTokens} tokens at most.`,
    )
  }
  return { tokens, overlap }
}
