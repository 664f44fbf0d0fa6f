import type { MiddlewareHandler } from 'hono'
import { abortError, onAccountOf, QontrastError } from '../../shared/index.ts'
import type { ApiEnv } from '../context.ts'
import type { Limits } from '../limits.ts'

/** Answers with 504 once the deadline has passed, and drops the work; a client that goes away has its work dropped too. */
export function deadline({ deadlineSeconds, longestDeadlineSeconds }: Limits): MiddlewareHandler<ApiEnv> {
  return async function deadline(c, next) {
    const seconds = secondsOf(c.req.header('x-request-timeout'))
    const client = c.req.raw.signal
    const controller = new AbortController()
    const signal = AbortSignal.any([client, controller.signal])
    c.set('signal', signal)
    const passed = () => {
      const error = new QontrastError(
        'deadline-exceeded',
        `It was not done within ${seconds} s. Allow more by X-Request-Timeout (at most ${longestDeadlineSeconds}), or ask for less.`,
      )
      controller.abort(error)
      return error
    }
    if (seconds === 0) throw passed()

    let stop = () => {}
    const cut = new Promise<never>((_, reject) => {
      const timer = setTimeout(() => reject(passed()), seconds * 1_000)
      const gone = () => reject(abortError(client))
      client.addEventListener('abort', gone, { once: true })
      stop = () => {
        clearTimeout(timer)
        client.removeEventListener('abort', gone)
      }
    })
    try {
      await Promise.race([onAccountOf({ owner: c.var.access.name, signal }, next), cut])
    } finally {
      stop()
    }
  }

  function secondsOf(header: string | undefined): number {
    if (header === undefined) return deadlineSeconds
    const seconds = /^\d{1,6}(\.\d{1,6})?$/.test(header) ? Number(header) : Number.NaN
    if (seconds >= 0 && seconds <= longestDeadlineSeconds) return seconds
    throw new QontrastError(
      'invalid-option',
      `X-Request-Timeout is a number of seconds from 0 to ${longestDeadlineSeconds}, such as 2.5.`,
    )
  }
}
