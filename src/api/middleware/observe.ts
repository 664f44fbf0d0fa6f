import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Logger } from 'pino'
import type { ApiEnv } from '../context.ts'
import type { Metrics } from '../metrics.ts'
import { toQontrastError } from '../problem.ts'
import { routeOf } from '../route-of.ts'
import { type Timings, withTimings } from '../timings.ts'

const acceptableId = /^[\w.-]{1,64}$/

/** Gives the request its id, and when the head of its response is there: one log line, metrics, `Server-Timing`. No text of the caller is logged. */
export function observe({ metrics, log }: { metrics: Metrics; log: Logger | undefined }): MiddlewareHandler<ApiEnv> {
  return async function observe(c, next) {
    const given = c.req.header('x-request-id')
    const requestId = given !== undefined && acceptableId.test(given) ? given : randomUUID()
    const start = performance.now()
    const timings: Timings = new Map()
    c.set('requestId', requestId)
    c.set('failure', undefined)
    await withTimings(timings, next)

    const { method } = c.req
    const { status } = c.res
    const milliseconds = performance.now() - start
    const route = routeOf(c) ?? 'none'
    const stages = Object.fromEntries([...timings].map(([stage, time]) => [stage, round(time)]))
    const { failure } = c.var
    const code = failure && toQontrastError(failure).code

    c.header('X-Request-Id', requestId)
    c.header('Server-Timing', serverTiming({ ...stages, total: round(milliseconds) }))
    metrics.requests.inc({ method, route, status })
    metrics.requestSeconds.observe({ route }, milliseconds / 1_000)
    for (const [stage, time] of timings) metrics.stageSeconds.observe({ stage }, time / 1_000)
    if (code) metrics.errors.inc({ code })
    const line = { requestId, method, route, status, ms: round(milliseconds), stages, key: c.var.access?.name, code }
    if (failure && status >= 500) log?.error({ ...line, err: failure }, 'request')
    else log?.info(line, 'request')
  }
}

function serverTiming(stages: Readonly<Record<string, number>>): string {
  return Object.entries(stages)
    .map(([stage, time]) => `${stage};dur=${time}`)
    .join(', ')
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10
}
