import type { Schemas } from '@qdrant/js-client-rest'
import { QontrastError } from '../../../shared/index.ts'
import { limitsOf } from './limits.ts'
import type { ForeignOptions } from './options.ts'
import { findTextKey } from './text-key.ts'

/** Where things are in a collection. Ours and those of others differ in nothing else: what we keep with a point lies under `qontrast`. */
export interface Layout {
  readonly ours: boolean
  /** Name of the dense vector; empty for the unnamed one. */
  readonly vector: string
  readonly dimensions: number
  readonly distance: Schemas['Distance']
  /** Name of the sparse vector with our terms. */
  readonly lexical: string | undefined
  /** Where the text is, as `textAt` reads it; undefined where there is no point to look at yet. */
  readonly text: string | undefined
  /** Key of the object that filters look into; undefined for the payload itself. */
  readonly payload: string | undefined
  /** Whether points of ours, of which a document may have several, are among those of others or can be. */
  readonly records: boolean
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
  records: true,
})

/** LangChain and many others; Haystack. */
const payloadKeys = ['metadata', 'payload', 'meta']
const distances: readonly Schemas['Distance'][] = ['Cosine', 'Dot', 'Euclid']

/** Finds out where things are from the collection's vectors and a few of its payloads: `invalid-option` says what to pass where that fails. */
export function detectLayout(
  name: string,
  { config, payload_schema: indexed }: Pick<Schemas['CollectionInfo'], 'config' | 'payload_schema'>,
  samples: readonly Readonly<Record<string, unknown>>[],
  options: ForeignOptions = {},
): Layout {
  const vector = findVector(name, config.params.vectors, options.vector)
  if (!distances.includes(vector.distance)) {
    throw new QontrastError(
      'invalid-option',
      `The vectors of '${name}' are compared by ${vector.distance}; only ${distances.join(', ')} can be searched by meaning.`,
    )
  }
  const text = options.text ?? findText(name, samples)
  return {
    ours: false,
    ...vector,
    lexical: undefined,
    text,
    payload: findPayload(samples, options.payload),
    records: limitsOf({ config }).unindexed || Object.hasOwn(indexed, `${recordKey}.document`),
  }
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

function findText(name: string, samples: readonly Readonly<Record<string, unknown>>[]): string | undefined {
  if (samples.length === 0) return undefined
  const found = findTextKey(samples)
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
