import { type ErrorCode, isError, isQontrastError, messageOf } from '../shared/index.ts'
import type { ApiContext } from './context.ts'
import { retryAfterOf } from './overloaded.ts'
import { problems, toProblem, toQontrastError } from './problem.ts'

const openAiPath = /\/v1\/(embeddings|models)(\/|$)/
/** Of OpenAI's kinds of errors, those that are not the request's; and what an error is about where that is not in the request's schema. */
const openAiTypes: Readonly<Record<number, string>> = { 429: 'rate_limit_error' }
const openAiParams: Readonly<Partial<Record<ErrorCode, string>>> = { 'model-not-found': 'model' }
const retryable = new Set([429, 503])

/** Answers with the problem that an error is; says when to try again where that helps. What fails once the deadline has passed fails by that. */
export function answerProblem(c: ApiContext, thrown: unknown): Response {
  const reason: unknown = c.var.signal?.reason
  const error = isQontrastError(reason, 'deadline-exceeded') ? reason : thrown
  c.set('failure', isError(error) ? error : new Error(messageOf(error)))
  const { code } = toQontrastError(error)
  const { status } = problems[code]
  const problem = toProblem(error, c.var.requestId)
  if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  if (retryable.has(status)) c.header('Retry-After', String(retryAfterOf(error)))
  c.header('Content-Type', 'application/problem+json')
  const type = openAiTypes[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error')
  const param = openAiParams[code] ?? c.var.param ?? null
  const forOpenAi = openAiPath.test(c.req.path) ? { error: { message: problem.detail, type, param, code } } : {}
  return c.body(JSON.stringify({ ...problem, ...forOpenAi }), status)
}
