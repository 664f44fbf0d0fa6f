import type { Point } from '../../src/index/stores/store.ts'
import { createRandom, normalizeInPlace } from '../../src/shared/index.ts'
import { fixedPoint, seededSchema } from './points.ts'

const dimensions = 16
export const upkeepSchema = seededSchema(dimensions)

/** A point that can be made again from its number. */
export function upkeepPoint(i: number): Point {
  const random = createRandom(i + 1)
  return fixedPoint(`d${i}`, 0, 1, {
    hash: `hash ${i}`,
    title: undefined,
    text: `text of ${i}`,
    payload: { year: i % 30, source: `s${i % 3}` },
    vector: normalizeInPlace(Float32Array.from({ length: dimensions }, () => random() - 0.5)),
    terms: [`w${i}`, `v${i % 7}`],
  })
}
