import { OpenAPIHono } from '@hono/zod-openapi'
import type { Hit } from '../../index/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { answerJson } from '../answer-json.ts'
import type { ApiEnv, Services } from '../context.ts'
import { openView } from '../open-view.ts'
import { search } from './routes.ts'

/** Search. */
export function searchRoutes(services: Services) {
  const { limits } = services
  const view = openView(services)

  return new OpenAPIHono<ApiEnv>().openapi(search, async (c) => {
    const { queries, ...options } = c.req.valid('json')
    if (queries.length > limits.textsPerCall)
      throw new QontrastError('invalid-input', `${queries.length} queries; at most ${limits.textsPerCall} a call.`)
    const lists = await (await view(c)).search(queries, { ...options, signal: c.var.signal })
    const results = lists.map((hits) => ({ hits: hits.map(toAnswer) }))
    return answerJson(c, { results })
  })
}

function toAnswer(hit: Hit) {
  return { ...hit, marks: hit.marks.map(([start, end]): [number, number] => [start, end]) }
}
