import { Field, FixedSizeList, Float32, Float64, Int32, List, Schema, Utf8 } from 'apache-arrow'
import type { CollectionSchema } from '../store.ts'
import { numberColumns } from './rows.ts'

/** What is returned of a point is one JSON column, verbatim whatever the strings; the other columns are for finding it. */
export function tableSchema(schema: CollectionSchema): Schema {
  return new Schema([
    new Field('id', new Utf8(), false),
    new Field('document', new Utf8(), false),
    new Field('chunk', new Int32(), false),
    new Field('chunks', new Int32(), false),
    new Field('hash', new Utf8(), false),
    new Field('record', new Utf8(), false),
    new Field('terms', new Utf8(), false),
    new Field('facets', new List(new Field('item', new Utf8(), true)), false),
    new Field('numbers', new Utf8(), false, new Map([['ARROW:extension:name', 'arrow.json']])),
    ...[...numberColumns(schema).values()].map((column) => new Field(column, new Float64(), true)),
    new Field('seen', new Float64(), true),
    new Field('writer', new Utf8(), true),
    new Field('vector', new FixedSizeList(schema.dimensions, new Field('item', new Float32(), true)), false),
  ])
}

/** Marks of documents that were seen again: beside the table, since changing a row would write its vector and its index entries anew. */
export const seenSchema = new Schema([
  new Field('document', new Utf8(), false),
  new Field('seen', new Float64(), false),
])
