import type { ApiContext, Services } from '../context.ts'
import { pacedBody } from '../paced-body.ts'
import { problems, toQontrastError } from '../problem.ts'
import { streamOf } from '../request-body.ts'
import type { IndexView } from '../view.ts'
import { putLines } from './put-lines.ts'
import { createLineReader } from './read-lines.ts'

/** Bytes of lines, and of results, that wait. */
const ahead = { lines: 4 * 2 ** 20, results: 2 ** 20 }

/** The results of an NDJSON body, while it comes; counted as an open stream until the last was read. */
export function putStream(
  c: ApiContext,
  view: IndexView,
  { limits, streams, metrics, log, cut }: Pick<Services, 'limits' | 'streams' | 'metrics' | 'log' | 'cut'>,
): ReadableStream<Uint8Array> {
  const body = streamOf(c) ?? new Blob([]).stream()
  const leave = streams.enter()
  const { requestId, checkAccess } = c.var
  const seconds = limits.bodySeconds
  const signal = AbortSignal.any([c.req.raw.signal, ...(cut ? [cut] : [])])
  const reader = createLineReader(body, { lineBytes: limits.bodyBytes, aheadBytes: ahead.lines, seconds, signal })
  const results = putLines(reader, {
    view,
    checkAccess,
    signal,
    together: Math.max(1, limits.documentsPerBatch), // where so many have come while those before them were stored
    onCut(error) {
      const { code } = toQontrastError(error)
      metrics.errors.inc({ code })
      if (problems[code].status >= 500) log?.error({ requestId, code, err: error }, 'stream cut')
      else log?.info({ requestId, code }, 'stream cut')
    },
  })
  return pacedBody(results, { aheadBytes: ahead.results, seconds, onEnd: leave })
}
