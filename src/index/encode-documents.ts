import type { Encoder } from '../embed/index.ts'
import { createPace, dot, isQontrastError, QontrastError } from '../shared/index.ts'
import { createChunker, type Span } from './chunk.ts'
import { chunkingTag, fitChunking } from './chunk-settings.ts'
import { passageTerms } from './lexical.ts'
import { createPlaces } from './places.ts'
import type { PreparedDocument } from './prepare.ts'
import type { Point } from './store.ts'

/** A document with its chunks. */
export interface Piece {
  readonly prepared: PreparedDocument
  /** The title as it stands before each chunk for the encoder: its beginning, and a line break. */
  readonly prefix: string
  readonly spans: readonly Span[]
  /** The encoder reads only the beginning. */
  readonly cut: boolean
}

/** Cuts documents into pieces; a call at a time, since it shares the event loop. */
export type Cutter = (prepared: PreparedDocument) => Promise<Piece>

/** A title takes this share of a chunk at most; a longer one would leave no room for the text. */
const titleShare = 0.25
const longestTokenTried = 64

/** Cuts each document by its own settings, as far as the encoder allows them. */
export function createCutter(encoder: Encoder): Cutter {
  const cutters = new Map<string, Cutter>()
  return (prepared) => {
    const tag = chunkingTag(prepared.chunk)
    const cutter = cutters.get(tag) ?? createUniformCutter(fitChunking(prepared.chunk, encoder), encoder)
    cutters.set(tag, cutter)
    return cutter(prepared)
  }
}

/** Cuts texts into chunks, or keeps them whole where `settings` is false. */
function createUniformCutter(settings: { tokens: number; overlap: number } | false, encoder: Encoder): Cutter {
  const countTokens = encoder.countTokens
  const room = settings ? settings.tokens : encoder.maximumTokens
  const titles = createChunker({ tokens: Math.max(1, Math.floor(room * titleShare)), overlap: 0, countTokens })
  const texts = settings ? createChunker({ ...settings, countTokens }) : undefined

  return async (prepared) => {
    const { text, title = '', sections } = prepared.document
    const [kept] = await titles.chunk(title)
    const prefix = kept ? `${title.slice(0, kept.end)}\n` : ''
    if (!texts) {
      return { prepared, prefix, spans: [{ start: 0, end: text.length }], cut: isOverMaximum(prefix + text, encoder) }
    }
    const reserve = prefix === '' ? 0 : countTokens(prefix)
    const spans = await texts.chunk(text, { reserve, ...(sections ? { sections } : {}) })
    return { prepared, prefix, spans, cut: false }
  }
}

/** Looks at the beginning first: of a long text it is enough nearly always. */
function isOverMaximum(text: string, { maximumTokens, countTokens }: Encoder): boolean {
  if (Buffer.byteLength(text) <= maximumTokens) return false
  const beginning = text.slice(0, maximumTokens * longestTokenTried)
  if (countTokens(beginning) > maximumTokens) return true
  return beginning.length < text.length && countTokens(text) > maximumTokens
}

export interface EncodedPieces {
  readonly points: ReadonlyMap<string, readonly Point[]>
  readonly failures: readonly { id: string; error: unknown }[]
}

/** Vectors of all chunks in one call; where that fails, document by document, so that a bad one fails alone. */
export async function encodePieces(
  pieces: readonly Piece[],
  { encoder, seen, signal }: { encoder: Encoder; seen: number; signal?: AbortSignal | undefined },
): Promise<EncodedPieces> {
  const points = new Map<string, readonly Point[]>()
  const failures: { id: string; error: unknown }[] = []
  const pace = createPace()
  const encode = async (some: readonly Piece[]) => {
    const texts = some.flatMap(({ prepared, prefix, spans }) =>
      spans.map(({ start, end }) => prefix + prepared.document.text.slice(start, end)),
    )
    const vectors = await encoder.encode(texts, { purpose: 'document', ...(signal ? { signal } : {}) })
    let row = 0
    for (const piece of some) {
      const { id } = piece.prepared.document
      const own = piece.spans.map(() => vectors.row(row++))
      if (own.every(isUsable)) points.set(id, await toPoints(piece, { vectors: own, seen, pace }))
      else {
        const error = new QontrastError('invalid-input', 'the encoder gave a vector with NaN or infinity.')
        failures.push({ id, error })
      }
    }
  }
  try {
    await encode(pieces)
  } catch (error) {
    if (isForTheWholeRun(error)) throw error
    for (const piece of pieces) {
      await encode([piece]).catch((reason: unknown) => {
        if (isForTheWholeRun(reason)) throw reason
        failures.push({ id: piece.prepared.document.id, error: reason })
      })
    }
    if (pieces.length > 0 && failures.length === pieces.length) throw error
  }
  return { points, failures }
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
    const passage = text.slice(start, end)
    points.push({
      id: `${id}#${chunk}`,
      documentId: id,
      chunk,
      chunks: spans.length,
      hash,
      title,
      text: passage,
      start,
      end,
      ...placeOf(start),
      payload,
      seen,
      vector: vectors[chunk]!,
      terms: passageTerms({ title, text: passage }),
    })
  }
  return points
}
