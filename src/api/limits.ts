import { QontrastError } from '../shared/index.ts'

/** What one caller may ask of the server. */
export interface Limits {
  /** Bytes of a JSON body, and of one line of NDJSON: else 413. */
  readonly bodyBytes: number
  /** Texts of one call to `/v1/embeddings`, queries of one search: else 422. */
  readonly textsPerCall: number
  /** Candidates of one search, over all its queries: what `limit` and `offset` ask for, in mode hybrid at least 200 for each: else 422. */
  readonly candidatesPerSearch: number
  /** Tokens of one text to embed or query, and 16 characters for each: else 422. What the model does not read is cut. */
  readonly tokensPerText: number
  /** Documents of one put, ids of one get or delete: else 422. A stream may be of any length. */
  readonly documentsPerBatch: number
  /** Cost of calls that wait for one model, tokens of texts, searches and bulk work each; shared between keys: else 429. */
  readonly queuedCost: number
  /** Requests worked on at the same time, of one key at most as many as are left to the others: else 429. */
  readonly concurrentRequests: number
  /** Streams open at the same time, of documents and of events: else 429. */
  readonly openStreams: number
  /** Seconds until 504, unless `X-Request-Timeout` says otherwise; streams are excepted. */
  readonly deadlineSeconds: number
  /** The longest that `X-Request-Timeout` may ask for. */
  readonly longestDeadlineSeconds: number
  /** Seconds within which a JSON body must have come: else 408. The next line of a stream too, and some of its answers be read: else it is cut. */
  readonly bodySeconds: number
}

/** A text may have this many characters for each token it may have: whoever counts tokens must read them all. */
export const charactersPerToken = 16

export const defaultLimits: Limits = {
  bodyBytes: 8 * 2 ** 20,
  textsPerCall: 2_048,
  candidatesPerSearch: 50_000,
  tokensPerText: 8_192,
  documentsPerBatch: 1_000,
  queuedCost: 32_768,
  concurrentRequests: 512,
  openStreams: 64,
  deadlineSeconds: 30,
  longestDeadlineSeconds: 300,
  bodySeconds: 30,
}

/** The defaults with what was given: `invalid-option` names an unknown limit or a wrong value. */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultLimits, name)) {
      const known = Object.keys(defaultLimits).join(', ')
      throw new QontrastError('invalid-option', `limits has no ${JSON.stringify(name)}. It has ${known}.`)
    }
    if (!(typeof value === 'number' && Number.isFinite(value) && value >= 0))
      throw new QontrastError('invalid-option', `limits.${name} must be a number from 0; got ${String(value)}.`)
  }
  return { ...defaultLimits, ...given }
}
