import type { Encoder } from '../../embed/index.ts'
import { createPace, dot, isQontrastError, patientSignal, QontrastError } from '../../shared/index.ts'
import type { Content, Point } from '../stores/store.ts'
import { type Cut, cutterOf } from '../text/cutter.ts'
import { passageTerms } from '../text/lexical.ts'
import { createPlaces } from '../text/places.ts'
import { createMeter, type Meter } from './meter.ts'
import type { PreparedDocument } from './prepare.ts'

/** A document with its chunks. */
export interface Piece extends Cut {
  readonly prepared: PreparedDocument
}

/** Milliseconds that an encoder gets to finish what it is at. */
const patience = 5_000

/** Cuts a document by its own settings. */
export async function cutDocument(prepared: PreparedDocument, encoder: Encoder): Promise<Piece> {
  return { prepared, ...(await cutterOf(encoder).cut(prepared.document, prepared.chunk)) }
}

/** Vectors that are stored, by document and by what the encoder was given for them. */
export type KnownVectors = ReadonlyMap<string, ReadonlyMap<string, Float32Array>>

export interface EncodeSettings {
  readonly encoder: Encoder
  readonly seen: number
  readonly known?: KnownVectors
  readonly meter?: Meter
  /** Once it fires, what is being embedded is finished, and no more is begun. */
  readonly signal?: AbortSignal | undefined
  /** Told of chunks as they are embedded. */
  readonly onEmbedded?: ((chunks: number) => void) | undefined
}

export interface EncodedPieces {
  readonly points: ReadonlyMap<string, readonly Point[]>
  /** Chunks whose vectors were known. */
  readonly reused: number
  readonly failures: readonly { readonly id: string; readonly error: unknown }[]
  /** Documents that the signal left no time for. */
  readonly left: readonly string[]
}

interface Work {
  readonly piece: Piece
  readonly chunk: number
  readonly input: string
}

/** Vectors of all chunks, about a second's work at a time; where that fails, document by document, so that a bad one fails alone. */
export async function encodePieces(pieces: readonly Piece[], settings: EncodeSettings): Promise<EncodedPieces> {
  const { encoder, seen, known, meter = createMeter(), signal, onEmbedded } = settings
  const vectors = new Map<Piece, Float32Array[]>(pieces.map((piece) => [piece, []]))
  const failed = new Map<Piece, unknown>()
  const pace = createPace()
  const all = pieces.flatMap(toWork)
  const todo = all.filter(({ piece, chunk, input }) => {
    const vector = known?.get(piece.prepared.document.id)?.get(input)
    if (vector) vectors.get(piece)![chunk] = vector
    return !vector
  })

  const encode = async (some: readonly Work[]) => {
    const inputs = some.map(({ input }) => input)
    const patient = signal && patientSignal(signal, patience)
    try {
      const rows = await encoder.encode(inputs, { purpose: 'document', ...(patient ? { signal: patient.signal } : {}) })
      for (const [row, { piece, chunk }] of some.entries()) vectors.get(piece)![chunk] = rows.row(row)
    } finally {
      patient?.stop()
    }
  }
  for (let at = 0; at < todo.length && !signal?.aborted; ) {
    const slice = todo.slice(at, sliceEnd(todo, at, meter.budget()))
    const started = performance.now()
    try {
      await encode(slice)
    } catch (error) {
      if (isQontrastError(error, 'aborted')) break
      if (isForTheWholeRun(error)) throw error
      for (const [piece, work] of Map.groupBy(slice, ({ piece }) => piece)) {
        await encode(work).catch((reason: unknown) => {
          if (isForTheWholeRun(reason)) throw reason
          failed.set(piece, reason)
        })
      }
      const reasons = [...failed.values()]
      const ofDocuments = reasons.every((reason) => isQontrastError(reason, 'invalid-input'))
      if (failed.size === pieces.length && !ofDocuments) throw error
    }
    meter.measure(charactersOf(slice), performance.now() - started)
    at += slice.length
    onEmbedded?.(slice.length)
  }

  const points = new Map<string, readonly Point[]>()
  const failures: { id: string; error: unknown }[] = []
  const left: string[] = []
  for (const piece of pieces) {
    const { id } = piece.prepared.document
    const own = vectors.get(piece) ?? []
    const complete = piece.spans.every((_, chunk) => own[chunk] !== undefined)
    if (failed.has(piece)) failures.push({ id, error: failed.get(piece) })
    else if (!complete) left.push(id)
    else if (own.every(isUsable)) points.set(id, await toPoints(piece, { vectors: own, seen, pace }))
    else {
      const error = new QontrastError('invalid-input', 'the encoder gave a vector with NaN or infinity.')
      failures.push({ id, error })
    }
  }
  return { points, reused: all.length - todo.length, failures, left }
}

function toWork(piece: Piece): Work[] {
  const { text } = piece.prepared.document
  return piece.spans.map(({ start, end }, chunk) => ({ piece, chunk, input: piece.prefix + text.slice(start, end) }))
}

/** At least one input, then as many as fit. */
function sliceEnd(work: readonly Work[], from: number, characters: number): number {
  let end = from
  for (let sum = 0; end < work.length && (end === from || sum < characters); end++) sum += work[end]!.input.length
  return end
}

function charactersOf(work: readonly Work[]): number {
  return work.reduce((sum, { input }) => sum + input.length, 0)
}

function isForTheWholeRun(error: unknown): boolean {
  return isQontrastError(error, 'aborted') || isQontrastError(error, 'closed')
}

/** A vector of zeros, of a text that the encoder understands nothing of, is found by its words only. */
function isUsable(vector: Float32Array): boolean {
  return Number.isFinite(dot(vector, vector))
}

async function toPoints(
  { prepared: { document, hash }, spans }: Piece,
  { vectors, seen, pace }: { vectors: readonly Float32Array[]; seen: number; pace: () => Promise<void> },
): Promise<Point[]> {
  const { id, title, text, payload = {} } = document
  const placeOf = createPlaces(document)
  const points: Point[] = []
  for (const [chunk, { start, end }] of spans.entries()) {
    await pace()
    const content: Content = { kind: 'text', text: text.slice(start, end), start, end, ...placeOf(start) }
    points.push({
      id: `${id}#${chunk}`,
      documentId: id,
      chunk,
      chunks: spans.length,
      hash,
      title,
      content,
      payload,
      seen,
      vector: vectors[chunk]!,
      terms: passageTerms({ title, content }),
    })
  }
  return points
}
