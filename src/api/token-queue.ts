import { abortError, QontrastError } from '../shared/index.ts'

/** Tokens that are waiting for the encoder, over all requests: the measure by which work is refused. */
export interface TokenQueue {
  readonly tokens: number
  /** Rejects with `overloaded` where so many more would be too many; alone in the queue, any number may go. */
  admit(tokens: number): void
  /** Rejects with `overloaded` from when a full queue has refused something until a tenth of it is free again: what would be refused need not be read. */
  checkOpen(): void
  /** Takes room, waiting for it where `patient`: then half the queue is left to those who do not wait. The function it gives lets go of the room. */
  enter(tokens: number, options: { patient: boolean; signal: AbortSignal | undefined }): Promise<() => void>
  /** Whole seconds until what waits now should be done. */
  retryAfter(): number
}

/** Share of the newest measurement in the speed that `retryAfter` goes by. */
const newest = 0.2
const firstGuess = 2_000
const patientShare = 0.5
const opensAtShare = 0.9

export function createTokenQueue(most: number): TokenQueue {
  let tokens = 0
  let tokensPerSecond = firstGuess
  let left = performance.now()
  let full = false
  const waiting: (() => void)[] = []
  const hasRoom = (more: number, share = 1) => (tokens === 0 ? most > 0 : tokens + more <= most * share)

  function leave(count: number): void {
    tokens -= count
    if (tokens <= most * opensAtShare) full = false
    const now = performance.now()
    const elapsed = Math.max(1, now - left) / 1_000
    left = now
    if (elapsed < 5) tokensPerSecond += newest * (count / elapsed - tokensPerSecond)
    waiting.shift()?.()
  }

  return {
    get tokens() {
      return tokens
    },
    admit(count) {
      if (hasRoom(count)) return
      full = tokens > most * opensAtShare
      throw overloaded(`${tokens} tokens wait to be embedded; ${count} more would exceed the limit of ${most}.`)
    },
    checkOpen() {
      if (full || !hasRoom(0)) throw overloaded(`${tokens} tokens wait to be embedded; the limit is ${most}.`)
    },
    async enter(count, { patient, signal }) {
      while (patient && !hasRoom(count, patientShare)) await turn(waiting, signal)
      tokens += count
      let inside = true
      return () => {
        if (inside) leave(count)
        inside = false
      }
    },
    retryAfter: () => Math.max(1, Math.min(60, Math.ceil(tokens / Math.max(1, tokensPerSecond)))),
  }
}

function overloaded(reason: string): QontrastError {
  return new QontrastError('overloaded', `${reason} Try again after the seconds in Retry-After.`)
}

function turn(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      const place = waiting.indexOf(next)
      if (place >= 0) waiting.splice(place, 1)
      if (signal) reject(abortError(signal))
    }
    const next = () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    waiting.push(next)
  })
}
