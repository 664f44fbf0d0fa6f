import { z } from 'zod'
import { type JsonValue, own } from '../../../shared/index.ts'
import type { FieldType } from '../../filter/fields.ts'
import { momentsOf } from '../../filter/moments.ts'
import { type FlatRecord, flatRecord, recordOf } from '../content.ts'
import { isOutdated } from '../format.ts'
import type { CollectionSchema, Point, PointKey, PointRecord } from '../store.ts'
import { facetsOf } from './facets.ts'

/** Which declared fields have a column of numbers, and what is in it. Other fields are found through the facets. */
const columnValues: Readonly<Partial<Record<FieldType, (value: JsonValue) => number | undefined>>> = {
  number: (value) => (typeof value === 'number' ? value : undefined),
  date: (value) => {
    const [moment, ...others] = momentsOf(value)
    return others.length === 0 ? moment : undefined // several are found through the facets
  },
}

/** Column of each declared number or date field. */
export function numberColumns({ fields }: CollectionSchema): ReadonlyMap<string, string> {
  const names = Object.keys(fields).sort()
  const of = (type: FieldType) =>
    names.filter((name) => own(fields, name) === type).map((name, i): [string, string] => [name, `${type}_${i}`])
  return new Map([...of('number'), ...of('date')])
}

export type Row = Record<string, unknown>

/** Columns that make up a {@link PointRecord}. */
export const recordColumns = ['record']

/** Format 1 does not say who wrote. */
export function keyColumns(schema: CollectionSchema): string[] {
  return ['id', 'document', 'chunk', 'chunks', 'hash', ...(isOutdated(schema) ? [] : ['writer'])]
}

export function toRow(point: Point, schema: CollectionSchema): Row {
  const { vector, terms, seen = 0, writer = '', ...record } = point
  const numbers = [...numberColumns(schema)].map(([field, column]) => {
    const value = own(point.payload, field)
    const type = own(schema.fields, field)
    return [column, (value === undefined || type === undefined ? undefined : columnValues[type]?.(value)) ?? null]
  })
  return {
    id: toKey(point.id),
    document: toKey(point.documentId),
    chunk: point.chunk,
    chunks: point.chunks,
    hash: point.hash,
    record: JSON.stringify(flatRecord(record)),
    terms: terms.join(' '),
    ...facetsOf(point.payload),
    ...Object.fromEntries(numbers),
    seen,
    writer,
    vector,
  }
}

/** Any string as well-formed UTF-8, one to one: lone surrogates and control characters as JSON escapes. */
export function toKey(id: string): string {
  return JSON.stringify(id).slice(1, -1)
}

function fromKey(key: string): string {
  const id: unknown = JSON.parse(`"${key}"`)
  return typeof id === 'string' ? id : key
}

const keyRowSchema = z.object({
  id: z.string(),
  document: z.string(),
  chunk: z.number(),
  chunks: z.number(),
  hash: z.string(),
  writer: z.string().nullish(),
})
const recordRowSchema = z.looseObject({ record: z.string() })

export function toPointKey(row: unknown): PointKey {
  const { id, document, writer, ...rest } = keyRowSchema.parse(row)
  return { id: fromKey(id), documentId: fromKey(document), ...rest, ...(writer ? { writer } : {}) }
}

export function toPointRecord(row: unknown): PointRecord {
  return toRecord(recordRowSchema.parse(row).record)
}

/** What the column `record` holds. */
export function toRecord(text: string): PointRecord {
  const parsed: FlatRecord = JSON.parse(text)
  return recordOf(parsed)
}
