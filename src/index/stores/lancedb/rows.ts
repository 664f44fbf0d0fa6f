import { z } from 'zod'
import { own } from '../../../shared/index.ts'
import type { CollectionSchema, Point, PointKey, PointRecord } from '../../store.ts'
import { facetsOf } from './facets.ts'

/** Column of each declared number field. Other fields are found through the facets. */
export function numberColumns({ fields }: CollectionSchema): ReadonlyMap<string, string> {
  const names = Object.keys(fields)
    .filter((name) => own(fields, name) === 'number')
    .sort()
  return new Map(names.map((name, i) => [name, `number_${i}`]))
}

export type Row = Record<string, unknown>

/** Columns that make up a {@link PointKey} and a {@link PointRecord}. */
export const keyColumns = ['id', 'document', 'chunk', 'chunks', 'hash']
export const recordColumns = ['record']

export function toRow(point: Point, schema: CollectionSchema): Row {
  const { vector, terms, seen = 0, ...record } = point
  const numbers = [...numberColumns(schema)].map(([field, column]) => {
    const value = own(point.payload, field)
    return [column, typeof value === 'number' ? value : null]
  })
  return {
    id: toKey(point.id),
    document: toKey(point.documentId),
    chunk: point.chunk,
    chunks: point.chunks,
    hash: point.hash,
    record: JSON.stringify(record),
    terms: terms.join(' '),
    ...facetsOf(point.payload),
    ...Object.fromEntries(numbers),
    seen,
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
})
const recordRowSchema = z.looseObject({ record: z.string() })

export function toPointKey(row: unknown): PointKey {
  const { id, document, ...rest } = keyRowSchema.parse(row)
  return { id: fromKey(id), documentId: fromKey(document), ...rest }
}

const optional = { title: undefined, heading: undefined, line: undefined, page: undefined }

export function toPointRecord(row: unknown): PointRecord {
  const { record } = recordRowSchema.parse(row)
  const parsed: PointRecord = JSON.parse(record)
  return { ...optional, ...parsed }
}
