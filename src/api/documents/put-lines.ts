import type { z } from '@hono/zod-openapi'
import {
  createFirstPlaces,
  createPace,
  type Document,
  isQontrastError,
  messageOf,
  parseJson,
} from '../../shared/index.ts'
import { describeIssues } from '../describe-issues.ts'
import { checkShape, withoutNulls } from '../json.ts'
import { problems, toQontrastError } from '../problem.ts'
import type { IndexView } from '../view.ts'
import type { Line, LineReader } from './read-lines.ts'
import { documentSchema, type lineSchema } from './routes.ts'

type LineResult = z.infer<typeof lineSchema>
type Read =
  | { readonly line: number; readonly document: Document }
  | { readonly line: number; readonly code: string; readonly reason: string }

export interface Putting {
  readonly view: IndexView
  /** Asked before each batch; throws where no more may be put. */
  readonly checkAccess: () => void
  /** Ends the putting, with its reason. */
  readonly signal: AbortSignal
  /** Lines that are stored together, where so many have come. */
  readonly together: number
  /** Told why the stream was cut. */
  readonly onCut: (error: unknown) => void
}

const encoder = new TextEncoder()

/** Puts the documents of an NDJSON body as they come: a result a line, in order, and a last one where the stream was cut. */
export async function* putLines(
  reader: LineReader,
  { view, checkAccess, signal, together, onCut }: Putting,
): AsyncGenerator<Uint8Array, void, undefined> {
  const putBatch = batchPutter(view, signal)
  let next = 1
  try {
    for (;;) {
      const lines = await reader.take(together)
      if (lines.length === 0) return
      checkAccess()
      const results = await putBatch(lines)
      next = (lines.at(-1)?.line ?? 0) + 1
      yield write(results)
    }
  } catch (error) {
    const cause: unknown = isQontrastError(signal.reason) ? signal.reason : error
    onCut(cause)
    const { code, message } = toQontrastError(cause)
    yield write([{ line: next, status: 'cut', code, reason: problems[code].says ?? message }])
  } finally {
    reader.close()
  }
}

/** Of lines with one id the first that can be stored is kept; a bad one before it takes nothing from it. */
function batchPutter(view: IndexView, signal: AbortSignal): (lines: readonly Line[]) => Promise<LineResult[]> {
  const storedAt = createFirstPlaces()
  const pace = createPace()

  return async function putBatch(lines) {
    const results = new Map<number, LineResult>()
    let open: { readonly line: number; readonly document: Document }[] = []
    for (const line of lines) {
      await pace()
      const read = toDocument(line)
      if ('document' in read) open.push(read)
      else results.set(read.line, { ...read, status: 'failed' })
    }
    while (open.length > 0) {
      const round = new Map<string, (typeof open)[number]>()
      const twins: typeof open = []
      for (const one of open) {
        const { line, document } = one
        const before = storedAt(document.id)
        if (before !== undefined) results.set(line, { line, id: document.id, status: 'failed', ...twinOf(before) })
        else if (round.has(document.id)) twins.push(one)
        else round.set(document.id, one)
      }
      const failures = await put([...round.values()].map(({ document }) => document))
      for (const [id, { line }] of round) {
        const failure = failures.get(id)
        if (!failure) storedAt(id, line)
        results.set(line, { line, id, status: failure ? 'failed' : 'stored', ...failure })
      }
      open = twins
    }
    return lines.flatMap(({ line }) => results.get(line) ?? [])
  }

  async function put(documents: readonly Document[]): Promise<Map<string, { code: string; reason: string }>> {
    if (documents.length === 0) return new Map()
    const { failed } = await view.put(documents, signal)
    return new Map(failed.map(({ id, code, reason }) => [id, { code, reason }]))
  }
}

const twinOf = (before: number) => ({ code: 'invalid-input', reason: `line ${before} has the same id and is kept.` })

function toDocument({ line, bytes }: Line): Read {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    checkShape(text)
    const { data, error } = documentSchema.safeParse(withoutNulls(parseJson(text)))
    return error ? { line, code: 'invalid-input', reason: describeIssues(error) } : { line, document: data }
  } catch (error) {
    return { line, code: 'malformed', reason: messageOf(error) }
  }
}

function write(results: readonly LineResult[]): Uint8Array {
  return encoder.encode(results.map((result) => `${JSON.stringify(result)}\n`).join(''))
}
