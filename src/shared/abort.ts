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

const paceMilliseconds = 6
const paced: (() => void)[] = []
let paceStart = 0

/**
 * A clock for work that shares the event loop: `await pace()` yields once a few milliseconds of work have passed since anybody last
 * yielded. Of all that yield, one goes on in each turn of the loop, so that many together hold it no longer than one.
 */
export function createPace(): () => Promise<void> {
  return async () => {
    if (performance.now() - paceStart < paceMilliseconds) return
    await new Promise<void>((resolve) => {
      paced.push(resolve)
      if (paced.length === 1) setImmediate(goOn)
    })
  }
}

function goOn(): void {
  paceStart = performance.now()
  paced.shift()?.()
  if (paced.length > 0) setImmediate(goOn)
}
