import { createHash } from 'node:crypto'
import type { JsonObject, JsonValue } from '../../../shared/index.ts'
import type { FieldPath, Scalar } from '../../filter/index.ts'
import { momentsOf } from '../../filter/moments.ts'

/**
 * A payload as LanceDB can filter it. `facets` has an entry for each value of each field, one for each instant and one for each field that exists;
 * `numbers` is a JSON object from a field's key to its numbers, and from another to its instants. Names and values are encoded by JSON, so no string
 * of a user ever meets a query language.
 */
export interface Facets {
  readonly facets: string[]
  readonly numbers: string
}

/** Longer strings are compared by their hash. */
const longestString = 128

export function facetsOf(payload: JsonObject): Facets {
  const facets = new Set<string>()
  const numbers = new Map<string, bigint[]>()

  const addNumber = (key: string, number: number): void => {
    const list = numbers.get(key) ?? []
    numbers.set(key, list)
    list.push(sortableInteger(number))
  }
  const visit = (path: FieldPath, value: JsonValue): void => {
    if (value === null || (Array.isArray(value) && value.length === 0)) return
    facets.add(existenceFacet(path))
    const elements: readonly JsonValue[] = Array.isArray(value) ? value : [value]
    for (const element of elements) {
      if (isScalar(element)) facets.add(valueFacet(path, element))
      if (typeof element === 'number') addNumber(numberKey(path), element)
    }
    const moments = momentsOf(value)
    for (const moment of moments) {
      facets.add(momentFacet(path, moment))
      addNumber(momentKey(path), moment)
    }
    if (moments.length > 1) facets.add(severalMomentsFacet(path))
    if (isObject(value)) for (const [key, inner] of Object.entries(value)) visit([...path, key], inner)
  }
  for (const [key, value] of Object.entries(payload)) visit([key], value)

  const entries = [...numbers].map(([key, values]) => `"${key}":[${values.join(',')}]`)
  return { facets: [...facets], numbers: `{${entries.join(',')}}` }
}

export function valueFacet(path: FieldPath, value: Scalar): string {
  return JSON.stringify([
    path,
    typeof value === 'string' && value.length > longestString ? { sha256: sha256(value) } : value,
  ])
}

export function momentFacet(path: FieldPath, moment: number): string {
  return JSON.stringify([path, { moment }])
}

/** For a field whose instants do not fit into one column. */
export function severalMomentsFacet(path: FieldPath): string {
  return JSON.stringify([path, { moments: 'several' }])
}

export function existenceFacet(path: FieldPath): string {
  return JSON.stringify([path])
}

/** Hexadecimal, so that it needs no escaping in a JSON path. */
export function numberKey(path: FieldPath): string {
  return sha256(JSON.stringify(path)).slice(0, 16)
}

export function momentKey(path: FieldPath): string {
  return sha256(JSON.stringify({ moments: path })).slice(0, 16)
}

const scratch = new DataView(new ArrayBuffer(8))

/** An integer that orders as the numbers do: JSON paths know no fractions and no exponents. */
export function sortableInteger(value: number): bigint {
  scratch.setFloat64(0, value === 0 ? 0 : value)
  const bits = scratch.getBigInt64(0)
  return bits >= 0n ? bits : -(bits & 0x7fffffffffffffffn)
}

function sha256(text: string): string {
  return createHash('sha256').update(JSON.stringify(text)).digest('hex')
}

function isScalar(value: JsonValue): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
