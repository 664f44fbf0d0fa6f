import { QontrastError } from './errors.ts'

/** Throws `aborted` once the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** The error that an aborted call rejects with; the signal's reason is its cause. */
export function abortError(signal: AbortSignal): QontrastError {
  return new QontrastError('aborted', 'The call was aborted by its signal.', { cause: signal.reason })
}

/** What the promise gives, or `aborted` as soon as the signal fires: then it is no longer waited for. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortError(signal))
    const settled = () => signal.removeEventListener('abort', abort)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(settled)
  })
}

export interface PatientSignal {
  readonly signal: AbortSignal
  /** Fires no more. */
  stop(): void
}

/** Fires some milliseconds after another one: what was begun may be finished. */
export function patientSignal(signal: AbortSignal, patience: number): PatientSignal {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => {
    timer = setTimeout(() => controller.abort(signal.reason), patience)
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    stop() {
      signal.removeEventListener('abort', onAbort)
      clearTimeout(timer)
    },
  }
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
