import { isQontrastError, messageOf, QontrastError, systemCodeOf } from '../../../shared/index.ts'

/** What LanceDB says, and what the caller should do about it. */
const meanings: readonly { pattern: RegExp; code: 'disk-full' | 'store-busy'; message: string }[] = [
  {
    pattern: /no space left|ENOSPC|os error 28|disk quota/i,
    code: 'disk-full',
    message: 'The disk is full. Nothing that was stored is lost; free some space and run it again.',
  },
  {
    // a version that was read from was cleaned up by another process's maintenance: `Not found: …/_versions/….manifest`
    pattern:
      /commit conflict|concurrent|too many (concurrent )?writers|retryable|not found: \S+\.(manifest|lance|idx|txn|arrow|bin)/i,
    code: 'store-busy',
    message: 'Other processes write to this index at the same time and got in the way again and again. Try again.',
  },
]

/** Runs work on the store with its errors told apart. */
export async function withStoreErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw toStoreError(cause)
  }
}

function toStoreError(cause: unknown): QontrastError {
  if (isQontrastError(cause)) return cause
  const text = `${systemCodeOf(cause) ?? ''} ${messageOf(cause)}`
  const meaning = meanings.find(({ pattern }) => pattern.test(text))
  if (meaning) return new QontrastError(meaning.code, meaning.message, { cause })
  return new QontrastError('store-failed', `The store failed: ${messageOf(cause).split('\n', 1)[0]}`, { cause })
}

/** Runs work again, a few times, where another process got in between; writes are by id, so twice is the same as once. */
export async function retryConflicts<T>(work: () => Promise<T>, attempts = 8): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withStoreErrors(work)
    } catch (error) {
      if (attempt >= attempts || !isQontrastError(error, 'store-busy')) throw error
      await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** attempt * (0.5 + Math.random())))
    }
  }
}
