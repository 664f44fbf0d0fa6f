import { QontrastError } from './errors.ts'

/** Throws `aborted` once the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** The error that an aborted call rejects with; the signal's reason is its cause. */
export function abortError(signal: AbortSignal): QontrastError {
  return new QontrastError('aborted', 'The call was aborted by its signal.', { cause: signal.reason })
}

/** Lets timers and I/O run: resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A clock for work that shares the event loop: `await pace()` yields once `milliseconds` of work have passed. */
export function createPace(milliseconds = 6): () => Promise<void> {
  let turnStart = performance.now()
  return async () => {
    if (performance.now() - turnStart < milliseconds) return
    await nextTurn()
    turnStart = performance.now()
  }
}
