import type { Encoder } from '../embed/index.ts'
import {
  createPace,
  type Document,
  dot,
  isQontrastError,
  messageOf,
  QontrastError,
  type Section,
  throwIfAborted,
} from '../shared/index.ts'
import { type Chunker, createChunker, type Span } from './chunk.ts'
import { lexicalTerms } from './lexical.ts'
import { type Failure, nameOf, type PreparedDocument, prepareDocument } from './prepare.ts'
import type { CollectionSchema, Point, PointKey, VectorStore } from './store.ts'

export interface ChunkSettings {
  /** Most tokens of a chunk, its title included; no more than the encoder reads. */
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

const batchDocuments = 256
const batchCharacters = 400_000
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
  const chunker = settings ? createChunker({ ...settings, countTokens: target.encoder.countTokens }) : undefined
  const totals = { documents: 0, chunks: 0, added: 0, updated: 0, unchanged: 0, cut: 0, failedCount: 0 }
  const failed: Failure[] = []
  let storing: { ids: ReadonlySet<string>; done: Promise<void> } | undefined
  let sinceOptimize = 0

  const fail = (id: string, error: unknown) => {
    totals.failedCount += 1
    const code = isQontrastError(error) ? error.code : 'internal'
    if (failed.length < mostFailures) failed.push({ id, code, reason: messageOf(error) })
  }

  await store.ensure(collection, target.schema)
  const source = batches(documents)
  try {
    for (;;) {
      throwIfAborted(signal)
      const { value: inputs, done } = await source.next()
      if (done) break
      const prepared = new Map<string, PreparedDocument>()
      let repeated = 0
      for (const input of inputs) {
        try {
          const one = prepareDocument(input, target.schema.fields, settings)
          if (prepared.delete(one.document.id)) repeated += 1
          prepared.set(one.document.id, one)
        } catch (error) {
          fail(nameOf(input), error)
        }
      }
      if (storing && [...prepared.keys()].some((id) => storing?.ids.has(id))) await storing.done
      const keys = Map.groupBy(await store.keys(collection, [...prepared.keys()]), ({ documentId }) => documentId)
      const changed = [...prepared.values()].filter((one) => !isUnchanged(one, keys.get(one.document.id) ?? []))
      const pieces = await Promise.all(changed.map((one) => cutDocument(one, chunker, target.encoder)))
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
    await storing?.done
    await source.return?.(undefined)
  }
  if (totals.added + totals.updated > 0) await store.optimize(collection)
  const { documents: _, ...report } = totals
  return { ...report, failed }

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

/** Bounded by count and by characters, so that memory stays flat whatever the source. */
async function* batches(
  documents: Iterable<Document> | AsyncIterable<Document>,
): AsyncGenerator<Document[], void, undefined> {
  let batch: Document[] = []
  let characters = 0
  for await (const document of documents) {
    batch.push(document)
    characters += typeof document?.text === 'string' ? document.text.length : 0
    if (batch.length < batchDocuments && characters < batchCharacters) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}

/** Unchanged is only what is there whole: a run that was killed in the middle of a document is finished by the next. */
function isUnchanged({ hash }: PreparedDocument, keys: readonly PointKey[]): boolean {
  const [first] = keys
  return first !== undefined && keys.length === first.chunks && keys.every((key) => key.hash === hash)
}

interface Piece {
  readonly prepared: PreparedDocument
  readonly spans: readonly Span[]
  readonly cut: boolean
}

async function cutDocument(prepared: PreparedDocument, chunker: Chunker | undefined, encoder: Encoder): Promise<Piece> {
  const { text, title = '', sections } = prepared.document
  if (!chunker) {
    const mayBeLong = Buffer.byteLength(text) > encoder.maximumTokens
    const cut = mayBeLong && encoder.countTokens(text) > encoder.maximumTokens
    return { prepared, spans: [{ start: 0, end: text.length }], cut }
  }
  const reserve = title === '' ? 0 : encoder.countTokens(title)
  const spans = await chunker.chunk(text, { reserve, ...(sections ? { sections } : {}) })
  return { prepared, spans, cut: false }
}

interface Encoded {
  readonly points: ReadonlyMap<string, readonly Point[]>
  readonly failures: readonly { id: string; error: unknown }[]
}

/** Vectors of all chunks in one call; where that fails, document by document, so that a bad one fails alone. */
async function encodePieces(
  pieces: readonly Piece[],
  encoder: Encoder,
  signal: AbortSignal | undefined,
): Promise<Encoded> {
  const points = new Map<string, readonly Point[]>()
  const failures: { id: string; error: unknown }[] = []
  const pace = createPace()
  const encode = async (some: readonly Piece[]) => {
    const texts = some.flatMap(({ prepared, spans }) => spans.map((span) => embeddedText(prepared.document, span)))
    const vectors = await encoder.encode(texts, { purpose: 'document', ...(signal ? { signal } : {}) })
    let row = 0
    for (const piece of some) {
      await pace()
      const own = piece.spans.map(() => vectors.row(row++))
      if (own.every(isUsable)) points.set(piece.prepared.document.id, toPoints(piece, own))
      else
        failures.push({
          id: piece.prepared.document.id,
          error: new QontrastError('invalid-input', 'the encoder gave a vector with NaN or of length zero.'),
        })
    }
  }
  try {
    await encode(pieces)
  } catch (error) {
    if (isQontrastError(error, 'aborted') || isQontrastError(error, 'closed')) throw error
    for (const piece of pieces)
      await encode([piece]).catch((reason: unknown) => failures.push({ id: piece.prepared.document.id, error: reason }))
    if (pieces.length > 0 && failures.length === pieces.length) throw error
  }
  return { points, failures }
}

function isUsable(vector: Float32Array): boolean {
  const norm = dot(vector, vector)
  return Number.isFinite(norm) && norm > 0
}

function embeddedText({ title, text }: Document, { start, end }: Span): string {
  const passage = text.slice(start, end)
  return title === undefined || title === '' ? passage : `${title}\n${passage}`
}

function toPoints({ prepared: { document, hash }, spans }: Piece, vectors: readonly Float32Array[]): Point[] {
  const { id, title, text, payload = {} } = document
  return spans.map((span, chunk) => ({
    id: `${id}#${chunk}`,
    documentId: id,
    chunk,
    chunks: spans.length,
    hash,
    title,
    text: text.slice(span.start, span.end),
    start: span.start,
    end: span.end,
    ...placeOf(document, span.start),
    payload,
    vector: vectors[chunk] ?? new Float32Array(),
    terms: lexicalTerms(embeddedText(document, span)),
  }))
}

/** Heading, page and line at an offset of the text. */
function placeOf({ text, sections = [] }: Document, offset: number): Pick<Point, 'heading' | 'line' | 'page'> {
  const section: Section | undefined = sections.findLast(({ start }) => start <= offset)
  if (!section) return { heading: undefined, line: undefined, page: undefined }
  const line = section.line === undefined ? undefined : section.line + newlinesIn(text, section.start, offset)
  return { heading: section.heading, page: section.page, line }
}

/** White space at the start of a chunk does not count: the line is that of its first word. */
function newlinesIn(text: string, from: number, to: number): number {
  const firstWord = to + Math.max(0, text.slice(to).search(/\S/))
  let newlines = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < firstWord; at = text.indexOf('\n', at + 1)) newlines += 1
  return newlines
}

function chunkSettings(
  chunk: ChunkSettings | false | undefined,
  encoder: Encoder,
): { tokens: number; overlap: number } | false {
  if (chunk === false) return false
  const tokens = chunk?.tokens ?? Math.min(defaultTokens, encoder.maximumTokens)
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
