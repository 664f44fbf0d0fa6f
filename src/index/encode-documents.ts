import type { Encoder } from '../embed/index.ts'
import { createPace, type Document, dot, isQontrastError, QontrastError, type Section } from '../shared/index.ts'
import type { Chunker, Span } from './chunk.ts'
import { lexicalTerms } from './lexical.ts'
import type { PreparedDocument } from './prepare.ts'
import type { Point } from './store.ts'

/** A document with its chunks. */
export interface Piece {
  readonly prepared: PreparedDocument
  readonly spans: readonly Span[]
  readonly cut: boolean
}

/** Cuts a text into chunks, or keeps it whole where there is no chunker. */
export async function cutDocument(
  prepared: PreparedDocument,
  chunker: Chunker | undefined,
  encoder: Encoder,
): Promise<Piece> {
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

export interface EncodedPieces {
  readonly points: ReadonlyMap<string, readonly Point[]>
  readonly failures: readonly { id: string; error: unknown }[]
}

/** Vectors of all chunks in one call; where that fails, document by document, so that a bad one fails alone. */
export async function encodePieces(
  pieces: readonly Piece[],
  encoder: Encoder,
  signal: AbortSignal | undefined,
): Promise<EncodedPieces> {
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
