import { z } from '@hono/zod-openapi'
import type { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ErrorCode, isError, isQontrastError, QontrastError } from '../shared/index.ts'

interface ProblemKind {
  readonly status: ContentfulStatusCode
  readonly title: string
  /** Said instead of the error's own message, which names what only the server's owner should see. */
  readonly says?: string
}

const invalid = { status: 422, title: 'The request was understood and is wrong' } as const
const broken = { status: 500, title: 'The server is at fault', says: 'The server failed; its log says why.' } as const
const unavailable = { status: 503, title: 'Not available just now' } as const

/** Every code of ours and its HTTP status: the one place where they meet. */
export const problems: Readonly<Record<ErrorCode, ProblemKind>> = {
  'invalid-input': invalid,
  'invalid-option': invalid,
  'invalid-filter': invalid,
  'dimension-mismatch': invalid,
  malformed: { status: 400, title: 'The body cannot be read' },
  unauthorized: { status: 401, title: 'An API key is needed' },
  forbidden: { status: 403, title: 'Not allowed' },
  'not-found': { status: 404, title: 'Not found' },
  'index-not-found': { status: 404, title: 'No such index', says: 'There is no index of this name.' },
  'model-not-found': { status: 404, title: 'No such model' },
  'method-not-allowed': { status: 405, title: 'No such method here' },
  'too-slow': { status: 408, title: 'The body came too slowly' },
  'already-exists': { status: 409, title: 'It exists already' },
  'encoder-mismatch': { status: 409, title: 'The index was made with another model' },
  'index-outdated': { status: 409, title: 'The index is in an older form' },
  'package-outdated': { ...unavailable, says: 'The index was written by a later version than this server.' },
  'too-large': { status: 413, title: 'Too much at once' },
  'unsupported-media-type': { status: 415, title: 'Another content type is needed' },
  overloaded: { status: 429, title: 'Too much work is waiting' },
  aborted: { status: 400, title: 'The client went away' }, // nobody reads it
  'worker-crashed': { ...unavailable, says: 'An inference process ended in the middle of its work. Try again.' },
  'store-busy': { ...unavailable, says: 'Another process writes to the store. Try again.' },
  'store-failed': { ...unavailable, says: 'The store failed; the log of the server says why. Try again later.' },
  'store-unavailable': { ...unavailable, says: 'The store does not answer. Try again later.' },
  'store-denied': { ...unavailable, says: 'The store refuses this server; its log says why.' },
  'store-outdated': { ...unavailable, says: 'The store is too old for this server; its log says more.' },
  'disk-full': { ...unavailable, says: 'The store has no space left.' },
  'hub-unreachable': { ...unavailable, says: 'A model could not be fetched.' },
  closed: unavailable,
  'deadline-exceeded': { status: 504, title: 'The deadline passed' },
  'model-invalid': broken,
  'device-unavailable': broken,
  'dependency-missing': broken,
  'file-unreadable': broken,
  'file-encrypted': broken,
  'training-diverged': broken,
  internal: broken,
}

/** What RFC 9457 calls a problem, with our code, and OpenAI's `error` where its clients look for it. */
export const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'urn:qontrast:error:invalid-filter' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What was expected, what was given, what to do.' }),
    code: z.string().openapi({ description: 'Stable: what programs should look at.' }),
    requestId: z.string(),
    error: z
      .object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() })
      .optional()
      .openapi({ description: "OpenAI's form of the same, under /v1/embeddings and /v1/models." }),
  })
  .openapi('Problem')

export type Problem = z.infer<typeof problemSchema>

/** The problem that an error becomes. */
export function toProblem(error: unknown, requestId: string): Problem {
  const { code, message } = toQontrastError(error)
  const { status, title, says } = problems[code]
  return { type: `urn:qontrast:error:${code}`, title, status, detail: says ?? message, code, requestId }
}

/** The code of whatever was thrown; what nobody expected is `internal`. */
export function toQontrastError(error: unknown): QontrastError {
  if (isQontrastError(error)) return error
  if (isHttpException(error)) {
    const code = error.status === 415 ? 'unsupported-media-type' : error.status === 400 ? 'malformed' : 'internal'
    return new QontrastError(code, error.message, { cause: error })
  }
  return new QontrastError('internal', 'an unexpected error', { cause: error })
}

/** By its shape: an app may throw the one of its own copy of Hono. */
function isHttpException(error: unknown): error is HTTPException {
  return isError(error) && 'status' in error && typeof error.status === 'number' && 'getResponse' in error
}
