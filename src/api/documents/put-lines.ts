import type { z } from '@hono/zod-openapi'
import { createFirstPlaces, type Document, messageOf, parseJson, QontrastError } from '../../shared/index.ts'
import { describeIssues } from '../describe-issues.ts'
import type { Limits } from '../limits.ts'
import { timeLimit } from '../middleware/json-body.ts'
import { problems, toQontrastError } from '../problem.ts'
import type { IndexView } from '../view.ts'
import { documentSchema, type lineSchema } from './routes.ts'

type LineResult = z.infer<typeof lineSchema>
interface Line {
  readonly line: number
  readonly text: string
}

/** Lines that are stored together; what one network packet brought is not kept waiting for more. */
const together = 64
const encoder = new TextEncoder()

/** Puts the documents of an NDJSON body as they come; a result a line, in order, and a last one where the stream breaks. */
export async function* putLines(
  request: Request,
  view: IndexView,
  limits: Limits,
): AsyncGenerator<Uint8Array, void, undefined> {
  let line = 0
  const firstPlace = createFirstPlaces()
  try {
    for await (const lines of batchesOfLines(request, limits)) {
      for (const result of await putBatch(lines, { view, firstPlace, signal: request.signal })) {
        line = result.line
        yield write(result)
      }
    }
  } catch (error) {
    const { code, message } = toQontrastError(error)
    yield write({ line: line + 1, status: 'failed', code, reason: problems[code].says ?? message })
  }
}

interface Putting {
  readonly view: IndexView
  readonly firstPlace: ReturnType<typeof createFirstPlaces>
  readonly signal: AbortSignal
}

async function putBatch(lines: readonly Line[], { view, firstPlace, signal }: Putting): Promise<LineResult[]> {
  const read = lines.map(({ line, text }) => {
    const { document, reason } = toDocument(text)
    const before = document && firstPlace(document.id, line)
    return before === undefined
      ? { line, document, reason }
      : { line, document: undefined, reason: `line ${before} has the same id and is kept.` }
  })
  const documents = read.flatMap(({ document }) => document ?? [])
  const failed = new Map<string, { code: string; reason: string }>()
  if (documents.length > 0) {
    const report = await view.put(documents, signal)
    for (const { id, code, reason } of report.failed) failed.set(id, { code, reason })
  }
  return read.map(({ line, document, reason }): LineResult => {
    if (!document) return { line, status: 'failed', code: 'invalid-input', reason }
    const failure = failed.get(document.id)
    return { line, id: document.id, status: failure ? 'failed' : 'stored', ...failure }
  })
}

function toDocument(text: string): { document: Document; reason: '' } | { document: undefined; reason: string } {
  try {
    const { data, error } = documentSchema.safeParse(parseJson(text))
    return error ? { document: undefined, reason: describeIssues(error) } : { document: data, reason: '' }
  } catch (error) {
    return { document: undefined, reason: messageOf(error) }
  }
}

/** Lines that are not empty, in batches; a line that grows too long or comes too slowly ends the stream. */
async function* batchesOfLines(
  { body }: Request,
  { bodyBytes, bodySeconds }: Limits,
): AsyncGenerator<Line[], void, undefined> {
  if (!body) return
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let number = 0
  let patience = timeLimit(bodySeconds)
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), patience.passed])
      const texts = (rest + decoder.decode(value, { stream: !done })).split('\n')
      rest = done ? '' : (texts.pop() ?? '')
      if (rest.length > bodyBytes) throw new QontrastError('too-large', `A line has more than ${bodyBytes} bytes.`)
      const lines = texts.map((text) => ({ line: ++number, text })).filter(({ text }) => text.trim() !== '')
      if (texts.length > 0) {
        patience.stop()
        for (let start = 0; start < lines.length; start += together) yield lines.slice(start, start + together)
        patience = timeLimit(bodySeconds)
      }
      if (done) return
    }
  } finally {
    patience.stop()
    reader.cancel().catch(() => {})
  }
}

function write(result: LineResult): Uint8Array {
  return encoder.encode(`${JSON.stringify(result)}\n`)
}
