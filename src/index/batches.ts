import { abortError, type Document, QontrastError } from '../shared/index.ts'

const batchDocuments = 256
const batchCharacters = 400_000

/**
 * What a source gives, in batches bounded by count and by characters, so that memory stays flat whatever the source.
 * Where the source throws, what it gave before comes first; where it waits, the signal ends the waiting.
 */
export async function* batches(
  documents: Iterable<Document<object>> | AsyncIterable<Document<object>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Document<object>[], void, undefined> {
  let batch: Document<object>[] = []
  let characters = 0
  let broken: { readonly error: unknown } | undefined
  try {
    for await (const document of untilAborted(documents, signal)) {
      batch.push(document)
      characters += typeof document?.text === 'string' ? document.text.length : 0
      if (batch.length < batchDocuments && characters < batchCharacters) continue
      yield batch
      batch = []
      characters = 0
    }
  } catch (error) {
    broken = { error }
  }
  if (batch.length > 0) yield batch
  if (broken) throw broken.error
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

async function* untilAborted<T>(
  source: Iterable<T> | AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  try {
    for (;;) {
      const { value, done } = await orAborted(Promise.resolve(iterator.next()), signal)
      if (done) return
      yield value
    }
  } finally {
    const closing = Promise.resolve(iterator.return?.()).catch(() => {})
    if (!signal?.aborted) await closing // an aborted source may still be waiting
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortError(signal))
    const settled = () => signal.removeEventListener('abort', abort)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(settled)
  })
}
