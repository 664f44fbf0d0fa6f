import type { FieldType } from './fields.ts'
import type { Leaf, Scalar } from './node.ts'

/** Of a larger set, the first and the last are enough to find something beside it. */
const mostCritical = 60

/**
 * Values of which some stand for all others, as far as these conditions tell values apart: what they name, and what lies just beside it.
 * An undeclared field has the types that it is compared with.
 */
export function candidatesOf(leaves: readonly Leaf[], type: FieldType | undefined): readonly Scalar[] {
  const critical = { numbers: new Set<number>(), strings: new Set<string>(), moments: new Set<number>() }
  let booleans = type === 'boolean'
  for (const leaf of leaves) {
    if (leaf.kind === 'contains') critical.strings.add(leaf.text)
    if (leaf.kind === 'at') for (const moment of ends(leaf.moments)) critical.moments.add(moment)
    if (leaf.kind === 'range' && leaf.of === 'string')
      for (const limit of Object.values(leaf.range)) critical.strings.add(limit)
    if (leaf.kind === 'range' && leaf.of !== 'string')
      for (const limit of Object.values(leaf.range)) critical[leaf.of === 'date' ? 'moments' : 'numbers'].add(limit)
    if (leaf.kind === 'in') {
      for (const value of ends(leaf.values)) {
        if (typeof value === 'number') critical.numbers.add(value)
        else if (typeof value === 'string') critical.strings.add(value)
        else booleans = true
      }
    }
  }
  const found: Readonly<Record<FieldType, readonly Scalar[]>> = {
    number: numbersBeside([...critical.numbers]),
    date: momentsBeside([...critical.moments]),
    keyword: stringsBeside([...critical.strings]),
    boolean: booleans ? [true, false] : [],
  }
  const fitting = type === undefined ? Object.values(found).flat() : found[type]
  return fitting.length > 0 ? fitting : usual[type ?? 'keyword']
}

const usual: Readonly<Record<FieldType, readonly Scalar[]>> = {
  keyword: ['x'],
  number: [0],
  boolean: [true, false],
  date: ['2000-01-01'],
}

function ends<T>(values: readonly T[]): readonly T[] {
  if (values.length <= mostCritical) return values
  return [...values.slice(0, mostCritical / 2), ...values.slice(-mostCritical / 2)]
}

/** Each number with its neighbours among all numbers: so every gap between two of them has one. */
function numbersBeside(critical: readonly number[]): number[] {
  return critical.flatMap((number) => [number, neighbour(number, 1n), neighbour(number, -1n)]).filter(Number.isFinite)
}

const scratch = new DataView(new ArrayBuffer(8))

function neighbour(number: number, step: 1n | -1n): number {
  if (number === 0) return step > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE
  scratch.setFloat64(0, number)
  scratch.setBigInt64(0, scratch.getBigInt64(0) + (number > 0 ? step : -step))
  return scratch.getFloat64(0)
}

const furthest = 8.64e15
const halfMillisecond = 0.5

function momentsBeside(critical: readonly number[]): string[] {
  return critical
    .flatMap((moment) => [moment, moment + 1, moment - 1, moment + halfMillisecond])
    .filter((moment) => Math.abs(moment) <= furthest)
    .map(written)
}

/** An instant in ISO 8601, to the nanosecond. */
function written(moment: number): string {
  const whole = Math.floor(moment)
  const fraction = String(Math.round((moment - whole) * 1e6)).padStart(6, '0')
  return new Date(whole).toISOString().replace('Z', fraction === '000000' ? 'Z' : `${fraction}Z`)
}

const shortest = 6

/** Each string, its successor, its beginnings and what comes right after those; and all of them with each other's texts in them. */
function stringsBeside(critical: readonly string[]): string[] {
  if (critical.length === 0) return []
  const texts = critical.slice(0, 20)
  const beside = critical.flatMap((text) => [
    text,
    `${text}\0`,
    ...Array.from({ length: Math.min(text.length, shortest) }, (_, k) => text.slice(0, k)),
    ...Array.from({ length: Math.min(text.length, shortest) }, (_, k) => bumped(text, k)),
    ...texts.flatMap((other) => [`${text}${other}`, `${text}\0${other}`]),
  ])
  return [...new Set(['', ...beside, texts.join('')])]
}

/** The shortest string after all that begin as this one does up to a unit. */
function bumped(text: string, at: number): string {
  const unit = text.charCodeAt(at)
  return text.slice(0, at) + String.fromCharCode(Math.min(unit + 1, 0xffff))
}
