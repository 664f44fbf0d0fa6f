import { OpenAPIHono } from '@hono/zod-openapi'
import type { Hit } from '../../index/index.ts'
import { createPace, QontrastError, throwIfAborted } from '../../shared/index.ts'
import { answerJson } from '../answer-json.ts'
import type { ApiEnv, Services } from '../context.ts'
import { openView } from '../open-view.ts'
import { checkCandidates } from './candidates.ts'
import { search } from './routes.ts'

/** Search. */
export function searchRoutes(services: Services) {
  const { limits } = services
  const view = openView(services)

  return new OpenAPIHono<ApiEnv>().openapi(search, async (c) => {
    const { queries, ...options } = c.req.valid('json')
    if (queries.length > limits.textsPerCall)
      throw new QontrastError('invalid-input', `${queries.length} queries; at most ${limits.textsPerCall} a call.`)
    checkCandidates(queries, options, limits)
    const lists = await (await view(c)).search(queries, { ...options, signal: c.var.signal })
    return answerJson(c, { results: await toAnswers(lists, c.var.signal) })
  })
}

/** Words are marked in every passage: many of them share the event loop. */
async function toAnswers(lists: readonly (readonly Hit[])[], signal: AbortSignal) {
  const pace = createPace()
  const results: { hits: ReturnType<typeof toAnswer>[] }[] = []
  for (const list of lists) {
    const hits: ReturnType<typeof toAnswer>[] = []
    for (const hit of list) {
      throwIfAborted(signal)
      hits.push(toAnswer(hit))
      await pace()
    }
    results.push({ hits })
  }
  return results
}

function toAnswer(hit: Hit) {
  return { ...hit, marks: hit.marks.map(([start, end]): [number, number] => [start, end]) }
}
