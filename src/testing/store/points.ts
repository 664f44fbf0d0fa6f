import {
  type CollectionSchema,
  type Point,
  type ScoredPoint,
  type TextContent,
  textContent,
} from '../../index/index.ts'
import { createRandom, normalizeInPlace } from '../../shared/index.ts'
import type { StoreTests } from '../runner.ts'

export const schema: CollectionSchema = {
  dimensions: 8,
  encoder: { name: 'fixed', fingerprint: 'f'.repeat(32) },
  fields: { year: 'number', source: 'keyword', open: 'boolean' },
}

let random = createRandom(11)

/** A random vector of unit length. */
export const unit = (): Float32Array => normalizeInPlace(Float32Array.from({ length: 8 }, () => random() - 0.5))

export const vectors = Array.from({ length: 64 }, unit)

/** The same vectors from here on, whichever tests ran before. */
export function resetVectors(): void {
  random = createRandom(12)
}

export const words = (text: string): TextContent => textContent(text, { end: 10 })

/** The only chunk of a document, unless said otherwise. */
export function point(id: string, change: Partial<Point> = {}): Point {
  const number = Number(id.replace(/\D/g, '')) || 0
  return {
    id: `${id}#0`,
    documentId: id,
    chunk: 0,
    chunks: 1,
    hash: `hash of ${id}`,
    title: `Title ${id}`,
    content: words(`Text of ${id}`),
    payload: {},
    vector: vectors[number % vectors.length] ?? unit(),
    terms: [],
    ...change,
  }
}

/** 700 points: more than are candidates of either side; half of them have some of the words. */
export function putMany({ store }: StoreTests['at']): Promise<void> {
  return store.upsert(
    'docs',
    Array.from({ length: 700 }, (_, i) =>
      point(`d${i >> 1}`, {
        id: `d${i >> 1}#${i % 2}`,
        chunk: i % 2,
        chunks: 2,
        vector: unit(),
        payload: { year: 2000 + (i % 7) },
        terms: [`w${i % 3}`, `v${i % 11}`, ...(i % 2 === 0 ? ['even'] : []), ...Array(i % 5).fill('fill')],
      }),
    ),
  )
}

export const idsOf = (hits: readonly { readonly point: { readonly documentId: string } }[]): string[] =>
  hits.map((hit) => hit.point.documentId)

/** The ten nearest, unless said otherwise. */
export function dense({ store }: StoreTests['at'], vector: Float32Array, rest: object = {}): Promise<ScoredPoint[]> {
  return store.query('docs', { mode: 'dense', vector, limit: 10, ...rest })
}
