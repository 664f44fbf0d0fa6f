import { z } from '@hono/zod-openapi'
import { indexNamePattern, indexNameProblem } from '../index/index.ts'
import type { Scope } from './access/keys.ts'
import { requireScope } from './middleware/authenticate.ts'
import { problemSchema } from './problem.ts'

/** A response in JSON. */
export const answer = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
})

/** Names in a schema what the settings bound; `describeApi` writes the limit that is in force. */
export const boundKey = 'x-bound'
export type Bound = 'documents' | 'texts' | 'text'
export const bounded = (bound: Bound) => ({ [boundKey]: bound })

/** What every route under /v1 can answer besides its own. */
export const refusals = {
  401: problem('No API key, or an unknown one.'),
  403: problem('The key may not do this, or the request was for another host.'),
  422: problem('Something in the request is wrong; `detail` says what.'),
  429: problem('Too much work is waiting: try again after `Retry-After` seconds.'),
  503: problem('The store, a worker or the whole server is not available just now.'),
  504: problem('The deadline (`X-Request-Timeout`) passed.'),
} as const

/** What routes with a body can answer besides. */
export const bodyRefusals = {
  400: problem('The body is no JSON.'),
  408: problem('The body came too slowly.'),
  413: problem('The body is too large.'),
  415: problem('The content type is another one.'),
} as const

export const missing = { 404: problem('No such index, model or document.') } as const
export const conflict = { 409: problem('It exists already, or was made with another model.') } as const

export const timeoutHeader = z.object({
  'x-request-timeout': z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/)
    .optional()
    .openapi({ description: 'Seconds within which an answer is wanted.', example: '10' }),
})

/** The part of a route that its scope decides. */
export const guarded = (scope: Scope) => ({
  security: [{ key: [] }],
  middleware: requireScope(scope),
  'x-scope': scope,
})

export const indexParam = z.object({
  index: z
    .string()
    .regex(indexNamePattern, { error: ({ input }) => indexNameProblem(input) })
    .openapi({ param: { name: 'index', in: 'path' }, example: 'answers' }),
})
