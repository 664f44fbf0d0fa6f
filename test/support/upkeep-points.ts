import type { Point } from '../../src/index/store.ts'
import { createRandom, normalizeInPlace } from '../../src/shared/index.ts'
import { seededSchema } from './points.ts'

const dimensions = 16
export const upkeepSchema = seededSchema(dimensions)

/** A point that can be made again from its number. */
export function upkeepPoint(i: number): Point {
  const random = createRandom(i + 1)
  const text = `text of ${i}`
  return {
    id: `d${i}#0`,
    documentId: `d${i}`,
    chunk: 0,
    chunks: 1,
    hash: `hash ${i}`,
    title: undefined,
    text,
    start: 0,
    end: text.length,
    heading: undefined,
    line: undefined,
    page: undefined,
    payload: { year: i % 30, source: `s${i % 3}` },
    vector: normalizeInPlace(Float32Array.from({ length: dimensions }, () => random() - 0.5)),
    terms: [`w${i}`, `v${i % 7}`],
  }
}
