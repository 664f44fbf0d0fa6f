import { textContent } from '../../src/index/stores/content.ts'
import type { CollectionSchema, Point } from '../../src/index/stores/store.ts'
import { createRandom, normalizeInPlace } from '../../src/shared/index.ts'

type Whole = Pick<Point, 'hash' | 'title' | 'payload' | 'vector' | 'terms'> & { readonly text: string }

/** A chunk of a document, whose text is all of it. */
export function fixedPoint(document: string, chunk: number, chunks: number, { text, ...whole }: Whole): Point {
  return {
    id: `${document}#${chunk}`,
    documentId: document,
    chunk,
    chunks,
    content: textContent(text),
    ...whole,
  }
}

/** Points without an encoder: everything is fixed by their number. */
export function seededPoints(count: number, dimensions: number, perDocument = 1): Point[] {
  const random = createRandom(23)
  return Array.from({ length: count }, (_, i) => {
    const document = Math.floor(i / perDocument)
    const vector = normalizeInPlace(Float32Array.from({ length: dimensions }, () => random() - 0.5))
    const text = `Text ${i} says ${i % 7} and ${i % 11}`
    return fixedPoint(`d${document}`, i % perDocument, perDocument, {
      hash: `hash ${document}`,
      title: `Title ${document}`,
      text,
      payload: { year: 2000 + (document % 20), source: `s${document % 3}`, tags: [`t${document % 5}`, 'all'] },
      vector,
      terms: [`w${i % 7}`, `v${i % 11}`],
    })
  })
}

export const seededSchema = (dimensions: number): CollectionSchema => ({
  dimensions,
  encoder: { name: 'fixed', fingerprint: 'f'.repeat(32) },
  fields: { year: 'number', source: 'keyword' },
})
