import { momentOf } from '../moment.ts'

export type ColumnType = 'keyword' | 'number' | 'boolean' | 'date'
export type CellValue = string | number | boolean

/** What stands for a missing value in columns of numbers, dates and booleans. */
const missing = new Set(['na', 'n/a', '#n/a', 'nan', 'null', 'none', '\\n', '-'])
/** Digits that a number keeps: no zeros in front (`007`), no sign `+` (telephones), no bare exponent (`1e5` is a product's code). */
const plainNumber = /^-?(?:0|[1-9]\d*)?(?:\.\d+)?(?:(?<=\.\d+)[eE][+-]?\d+|(?<=\d)[eE][+-]\d+)?$/
const commaNumber = /^-?(?:0|[1-9]\d*)(?:,\d+)?$/
/** `1,234` is one thousand to some and one and a bit to others. */
const thousands = /^-?\d{1,3}(?:,\d{3})+$/
const booleans = new Set(['true', 'false'])

type Kind = 'number' | 'comma' | 'boolean' | 'date'
const kinds: Readonly<Record<Kind, (cell: string) => boolean>> = {
  number: isPlainNumber,
  comma: (cell) => commaNumber.test(cell),
  boolean: (cell) => booleans.has(cell.toLowerCase()),
  date: (cell) => momentOf(cell) !== undefined,
}
const typeOfKind = { number: 'number', comma: 'number', boolean: 'boolean', date: 'date' } as const

/** Learns what the cells of a column are, all of them: a single other one makes it a column of strings. */
export interface ColumnEvidence {
  add(cell: string): void
  type(): ColumnType
}

/** `commas` says whether numbers may be written `3,14`. */
export function createColumnEvidence({ commas }: { readonly commas: boolean }): ColumnEvidence {
  let possible: readonly Kind[] = commas ? ['number', 'comma', 'boolean', 'date'] : ['number', 'boolean', 'date']
  let seen = 0
  let decimal = false
  return {
    add(given) {
      if (possible.length === 0) return
      const cell = given.trim()
      if (isMissing(cell)) return
      seen += 1
      possible = possible.filter((kind) => kinds[kind](cell))
      decimal ||= cell.includes(',') && !thousands.test(cell)
    },
    type: () => {
      const [kind] = possible.filter((one) => one !== 'comma' || decimal)
      return seen === 0 || !kind ? 'keyword' : typeOfKind[kind]
    },
  }
}

/**
 * The value of a cell, undefined for an empty one. A declared type takes more ways of writing than are inferred (`007`, `+5`, `1e5`,
 * `yes`), and throws a reason for what is none of it.
 */
export function cellValue(given: string, type: ColumnType, declared: boolean): CellValue | undefined {
  const cell = given.trim()
  if (cell === '') return undefined
  if (type === 'keyword') return given
  if (isMissing(cell)) return undefined
  const value = declared && thousands.test(cell) ? undefined : readers[type](cell)
  if (value !== undefined) return value
  if (!declared) return given
  throw new Error(`is declared as ${type}; got ${JSON.stringify(cell.slice(0, 80))}.`)
}

const words: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  y: true,
  t: true,
  1: true,
  false: false,
  no: false,
  n: false,
  f: false,
  0: false,
}

const readers: Readonly<Record<Exclude<ColumnType, 'keyword'>, (cell: string) => CellValue | undefined>> = {
  number: (cell) => {
    const number = Number(commaNumber.test(cell) ? cell.replace(',', '.') : cell)
    return Number.isFinite(number) && !(Number.isInteger(number) && !Number.isSafeInteger(number)) ? number : undefined
  },
  boolean: (cell) => {
    const word = cell.toLowerCase()
    return Object.hasOwn(words, word) ? words[word] : undefined
  },
  date: (cell) => (momentOf(cell) === undefined ? undefined : cell),
}

function isMissing(cell: string): boolean {
  return cell === '' || missing.has(cell.toLowerCase())
}

function isPlainNumber(cell: string): boolean {
  if (!plainNumber.test(cell)) return false
  const number = Number(cell)
  return Number.isFinite(number) && cell !== '' && (!Number.isInteger(number) || Number.isSafeInteger(number))
}
