import { type Document, orAborted, QontrastError } from '../../shared/index.ts'
import { payloadCopies } from '../payload/payload-copies.ts'

const batchDocuments = 256
const batchMilliseconds = 1_000
const copyWeight = 1 / 40
const late = Symbol('late')

/**
 * What a source gives, in batches bounded by count and by characters, so that memory stays flat whatever the source, and by a second:
 * what came is not kept waiting for what comes slowly. Where the source throws, what it gave before comes first; the signal ends the waiting.
 */
export async function* batches(
  documents: Iterable<Document<object>> | AsyncIterable<Document<object>>,
  { signal, characters: budget }: { signal: AbortSignal | undefined; characters: () => number },
): AsyncGenerator<Document<object>[], void, undefined> {
  const iterator = Symbol.asyncIterator in documents ? documents[Symbol.asyncIterator]() : documents[Symbol.iterator]()
  let batch: Document<object>[] = []
  let characters = 0
  let due = 0
  let coming: Promise<IteratorResult<Document<object>>> | undefined
  let broken: { readonly error: unknown } | undefined
  try {
    try {
      for (;;) {
        coming ??= nextOf(iterator)
        const next = await orAborted(batch.length > 0 ? orLate(coming, due - performance.now()) : coming, signal)
        if (next !== late) {
          coming = undefined
          if (next.done) break
          if (batch.length === 0) due = performance.now() + batchMilliseconds
          batch.push(next.value)
          characters += weightOf(next.value)
          if (batch.length < batchDocuments && characters < budget() && performance.now() < due) continue
        }
        yield batch
        batch = []
        characters = 0
      }
    } catch (error) {
      broken = { error }
    }
    if (batch.length > 0 && !signal?.aborted) yield batch
    if (broken) throw broken.error
  } finally {
    const closing = Promise.resolve(iterator.return?.()).catch(() => {})
    if (!signal?.aborted && !coming) await closing // else the source may still be waiting
  }
}

/** Its characters, and a little for what the copies of its payload take up. */
function weightOf(document: Document<object> | null | undefined): number {
  if (!document) return 0
  const characters = typeof document.text === 'string' ? document.text.length : 0
  return characters + payloadCopies(document) * copyWeight
}

/** `invalid-input` for what cannot be iterated, such as a single document. */
export function checkIterable(documents: unknown): void {
  const iterable =
    typeof documents === 'object' &&
    documents !== null &&
    (Symbol.iterator in documents || Symbol.asyncIterator in documents)
  if (iterable) return
  throw new QontrastError(
    'invalid-input',
    `add takes an array or another (async) iterable of documents; got ${documents === null ? 'null' : typeof documents}. Wrap a single one: add([document]).`,
  )
}

/** The next one, whose failure is heard later. */
function nextOf<T>(iterator: Iterator<T> | AsyncIterator<T>): Promise<IteratorResult<T>> {
  const next = (async () => iterator.next())()
  next.catch(() => {})
  return next
}

async function orLate<T>(promise: Promise<T>, milliseconds: number): Promise<T | typeof late> {
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), Math.max(0, milliseconds))
  })
  try {
    return await Promise.race([promise, waited])
  } finally {
    clearTimeout(timer)
  }
}
