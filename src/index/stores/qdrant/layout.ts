import type { Schemas } from '@qdrant/js-client-rest'
import { QontrastError } from '../../../shared/index.ts'
import type { ForeignOptions } from './options.ts'

/** Where things are in a collection. Ours and those of others differ in nothing else: what we keep with a point lies under `qontrast`. */
export interface Layout {
  readonly ours: boolean
  /** Name of the dense vector; empty for the unnamed one. */
  readonly vector: string
  readonly dimensions: number
  readonly distance: Schemas['Distance']
  /** Name of the sparse vector with our terms. */
  readonly lexical: string | undefined
  /** Key of the text; undefined where there is no point to look at yet. */
  readonly text: string | undefined
  /** Key of the object that filters look into; undefined for the payload itself. */
  readonly payload: string | undefined
}

export const recordKey = 'qontrast'

export const ourLayout = (dimensions: number): Layout => ({
  ours: true,
  vector: 'dense',
  dimensions,
  distance: 'Cosine',
  lexical: 'bm25',
  text: 'text',
  payload: 'payload',
})

/** Keys that others keep texts under: LangChain, fastembed's clients and mcp-server-qdrant, LlamaIndex, and hand-made ones. */
const textKeys = ['page_content', 'document', 'text', 'content', 'chunk', 'passage', 'body', 'abstract', 'description']
const payloadKeys = ['metadata', 'payload']
const distances: readonly Schemas['Distance'][] = ['Cosine', 'Dot', 'Euclid']

/** Finds out where things are from the collection's vectors and a few of its payloads: `invalid-option` says what to pass where that fails. */
export function detectLayout(
  name: string,
  vectors: Schemas['VectorsConfig'] | undefined,
  samples: readonly Readonly<Record<string, unknown>>[],
  options: ForeignOptions = {},
): Layout {
  const vector = findVector(name, vectors, options.vector)
  if (!distances.includes(vector.distance)) {
    throw new QontrastError(
      'invalid-option',
      `The vectors of '${name}' are compared by ${vector.distance}; only ${distances.join(', ')} can be searched by meaning.`,
    )
  }
  const text = options.text ?? findText(name, samples)
  return { ours: false, ...vector, lexical: undefined, text, payload: findPayload(samples, options.payload) }
}

function findVector(
  name: string,
  vectors: Schemas['VectorsConfig'] | undefined,
  asked: string | undefined,
): Pick<Layout, 'vector' | 'dimensions' | 'distance'> {
  const named = vectorsOf(vectors)
  const [only] = named
  const found = asked === undefined && named.length === 1 ? only : named.find(({ vector }) => vector === asked)
  if (found) return found
  const names = named.map(({ vector }) => JSON.stringify(vector)).join(', ')
  throw new QontrastError(
    'invalid-option',
    `Collection '${name}' has ${named.length === 0 ? 'no dense vectors' : `the vectors ${names}`}; pass qdrant({ foreign: { vector } }) with one of them${asked === undefined ? '' : `, not ${JSON.stringify(asked)}`}.`,
  )
}

/** The unnamed vector goes by the empty name. */
function vectorsOf(
  vectors: Schemas['VectorsConfig'] | undefined,
): Pick<Layout, 'vector' | 'dimensions' | 'distance'>[] {
  if (vectors === undefined) return []
  const named: [string, Schemas['VectorParams'] | undefined][] = isParams(vectors)
    ? [['', vectors]]
    : Object.entries(vectors)
  return named.flatMap(([vector, params]) =>
    params && !params.multivector_config ? [{ vector, dimensions: params.size, distance: params.distance }] : [],
  )
}

function isParams(vectors: Schemas['VectorsConfig']): vectors is Schemas['VectorParams'] {
  return typeof vectors['size'] === 'number'
}

/** A well-known key, else the key whose texts are longest. */
function findText(name: string, samples: readonly Readonly<Record<string, unknown>>[]): string | undefined {
  if (samples.length === 0) return undefined
  const lengths = new Map<string, number>()
  for (const sample of samples) {
    for (const [key, value] of Object.entries(sample)) {
      if (typeof value === 'string') lengths.set(key, (lengths.get(key) ?? 0) + value.length)
    }
  }
  const known = textKeys.find((key) => lengths.has(key))
  const longest = [...lengths].sort(([, a], [, b]) => b - a)[0]?.[0]
  const found = known ?? longest
  if (found !== undefined) return found
  const keys = [...new Set(samples.flatMap((sample) => Object.keys(sample)))]
  throw new QontrastError(
    'invalid-option',
    `Collection '${name}' has no text in its payloads (${keys.length > 0 ? `keys: ${keys.slice(0, 20).join(', ')}` : 'they are empty'}), so hits would have no passages. Store the texts with the points, or pass qdrant({ foreign: { text } }) with the key they are under.`,
  )
}

function findPayload(
  samples: readonly Readonly<Record<string, unknown>>[],
  asked: string | false | undefined,
): string | undefined {
  if (asked !== undefined) return asked === false ? undefined : asked
  return payloadKeys.find((key) =>
    samples.some((sample) => typeof sample[key] === 'object' && sample[key] !== null && !Array.isArray(sample[key])),
  )
}
