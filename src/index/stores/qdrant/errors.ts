import {
  type ErrorCode,
  isError,
  isQontrastError,
  messageOf,
  QontrastError,
  systemCodeOf,
} from '../../../shared/index.ts'

/** What a call was about, for the messages. */
export interface CallContext {
  readonly server: string
  readonly collection?: string | undefined
  readonly timeout: number
}

/** A failed call, as far as client and server tell. */
export interface Failure {
  readonly status: number | undefined
  readonly system: string
  readonly name: string
  readonly words: string
  /** Seconds that the server asks to wait. */
  readonly retryAfter: number
}

interface Meaning {
  readonly when: (failure: Failure) => boolean
  readonly code: ErrorCode
  /** Whether the same call may succeed a little later. */
  readonly passing?: boolean
  readonly message: (failure: Failure, context: CallContext) => string
}

const unreached = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT/
const broken = /ECONNRESET|EPIPE|ETIMEDOUT|UND_ERR_SOCKET|UND_ERR_RESPONSE|HPE_/
const missingIndex = /Index required but not found for "(.*?)"( of one of the following types|$|\.| )/

/** What Qdrant and its client say, and what the caller should do about it; the first that fits counts. */
const meanings: readonly Meaning[] = [
  {
    when: ({ name }) => name === 'TimeoutError' || name === 'QdrantClientTimeoutError',
    code: 'store-unavailable',
    message: (_, { server, timeout }) =>
      `Qdrant at ${server} did not answer within ${timeout} ms. It may be overloaded: try again, or pass a longer timeout.`,
  },
  {
    when: ({ system }) => unreached.test(system) || broken.test(system),
    code: 'store-unavailable',
    passing: true,
    message: ({ system }, { server }) =>
      `Qdrant at ${server} cannot be reached (${system}). Start it (docker run -p 6333:6333 qdrant/qdrant) or correct the address; nothing that was stored is lost.`,
  },
  {
    when: ({ status }) => status === 401 || status === 403,
    code: 'store-denied',
    message: ({ words }, { server }) =>
      `Qdrant at ${server} refuses the API key (${words}). Pass the right one: qdrant({ url, apiKey }), or QDRANT_API_KEY on the command line.`,
  },
  {
    // the client cannot read a date in Retry-After and throws an error of its own
    when: ({ status, name, words }) =>
      status === 429 || name === 'QdrantClientResourceExhaustedError' || /^Invalid retryAfter/.test(words),
    code: 'store-busy',
    passing: true,
    message: ({ words }, { server }) =>
      `Qdrant at ${server} limits how much it takes, and asked to wait again and again (${words}). Try again later, or raise its strict mode's limits.`,
  },
  {
    when: ({ status, words }) => status === 413 || /larger than allowed|entity too large/i.test(words),
    code: 'invalid-input',
    message: ({ words }, { server }) =>
      `One point alone is larger than Qdrant at ${server} takes (${words}) Cut its text or payload, or raise service.max_request_size_mb.`,
  },
  {
    when: ({ words }) => missingIndex.test(words),
    code: 'invalid-filter',
    message: ({ words }, { server, collection }) => {
      const path = missingIndex.exec(words)?.[1] ?? ''
      const dates = path.startsWith('qontrast.moments.')
      const field = path.replace(/^(qontrast\.moments|[^.]+)\./, '')
      const type = dates ? 'date' : /float|integer/.test(words) ? 'number' : /bool/.test(words) ? 'boolean' : 'keyword'
      return (
        `The collection ${JSON.stringify(collection)} on ${server} is in strict mode and takes no filter on '${field}', which is not declared. ` +
        `Declare it when the index is made (openIndex({ fields: { '${field}': '${type}' } }), or --field ${field}:${type}), or make a payload index on ${path} in Qdrant.`
      )
    },
  },
  {
    when: ({ status, words }) => status === 404 && /Collection .* doesn't exist/.test(words),
    code: 'index-not-found',
    message: (_, { server, collection }) =>
      `There is no index '${collection}' on ${server}: index some documents first.`,
  },
  {
    when: ({ status }) => status === 404,
    code: 'store-unavailable',
    message: (_, { server }) =>
      `What answers at ${server} is not Qdrant, or its address has a path: correct the address.`,
  },
  {
    when: ({ words }) => /Vector dimension error/.test(words),
    code: 'dimension-mismatch',
    message: ({ words }, { collection }) => `The vectors do not fit the collection '${collection}': ${words}`,
  },
  {
    when: ({ words }) => /no space left|disk (is )?full|exceeds available disk/i.test(words),
    code: 'disk-full',
    message: ({ words }, { server }) =>
      `The disk of Qdrant at ${server} is full (${words}). Nothing that was stored is lost; free some space and run it again.`,
  },
  {
    when: ({ status }) => status === 422,
    code: 'invalid-option',
    message: ({ words }) => `Qdrant does not take this: ${words}`,
  },
  {
    when: ({ status = 0 }) => status === 408 || status >= 500,
    code: 'store-unavailable',
    passing: true,
    message: ({ words, status }, { server }) =>
      `Qdrant at ${server} could not do it now (${status}: ${words}). Try again, or look at its log.`,
  },
]

export function failureOf(cause: unknown): Failure {
  const status = fieldOf(cause, 'status')
  const inner = fieldOf(fieldOf(cause, 'cause'), 'code')
  const answered = fieldOf(fieldOf(fieldOf(cause, 'data'), 'status'), 'error')
  const retryAfter = Number(fieldOf(cause, 'retry_after'))
  return {
    status: typeof status === 'number' ? status : undefined,
    system: systemCodeOf(cause) ?? (typeof inner === 'string' ? inner : ''),
    name: isError(cause) ? (cause.name === 'TimeoutError' ? cause.name : cause.constructor.name) : '',
    words: typeof answered === 'string' ? answered : messageOf(cause),
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : 0,
  }
}

/** True where nobody was there to answer, so that nothing was done. */
export const isUnreached = ({ system }: Failure): boolean => unreached.test(system)

export function isPassing(failure: Failure): boolean {
  return meaningOf(failure)?.passing ?? false
}

export function toStoreError(cause: unknown, context: CallContext): QontrastError {
  if (isQontrastError(cause)) return cause
  const failure = failureOf(cause)
  const meaning = meaningOf(failure)
  if (meaning) return new QontrastError(meaning.code, meaning.message(failure, context), { cause })
  return new QontrastError('store-failed', `Qdrant at ${context.server} refused: ${failure.words}`, { cause })
}

function meaningOf(failure: Failure): Meaning | undefined {
  return meanings.find(({ when }) => when(failure))
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
