import type { Schemas } from '@qdrant/js-client-rest'
import { z } from 'zod'
import { type JsonObject, QontrastError } from '../../../shared/index.ts'
import { flatRecord, recordOf, textContent } from '../content.ts'
import type { PointIds } from '../ranking.ts'
import type { Point, PointKey, PointRecord, ScrollPage } from '../store.ts'
import { decodeJson, decodeText, encodeJson, encodeText, readJson } from './json.ts'
import { type Layout, recordKey } from './layout.ts'
import { momentsIn } from './moments.ts'
import { uuidOf } from './point-id.ts'
import { documentVector, type SparseVector } from './sparse.ts'
import { textAt } from './text-key.ts'

/** Path of what we keep with a point. */
export const recordPath = (field: 'document' | 'chunk' | 'seen'): string => `${recordKey}.${field}`
export const keyPaths = ['id', 'document', 'chunk', 'chunks', 'hash', 'writer'].map((field) => `${recordKey}.${field}`)

/** Whose point it is. */
export const idPaths = ['id', 'document'].map((field) => `${recordKey}.${field}`)

type Stored = Pick<Schemas['Record'], 'id' | 'payload' | 'vector'>

const keySchema = z.object({
  id: z.string(),
  document: z.string(),
  chunk: z.number(),
  chunks: z.number(),
  hash: z.string(),
  writer: z.string().optional(),
})
const idsSchema = keySchema.pick({ id: true, document: true })
const recordSchema = keySchema.extend({
  title: z.string().optional(),
  start: z.number(),
  end: z.number(),
  heading: z.string().optional(),
  line: z.number().optional(),
  page: z.number().optional(),
})

/** Where payloads lie beside the text, as in some collections of others, neither may hide the other: `invalid-input`. */
export function checkKeys({ id, payload }: Point, layout: Layout): void {
  const taken = [layout.text ?? 'text', recordKey].find(
    (key) => layout.payload === undefined && Object.hasOwn(payload, key),
  )
  if (taken === undefined) return
  throw new QontrastError(
    'invalid-input',
    `point ${JSON.stringify(id.slice(0, 80))}: the payload has the field '${taken}', which this collection needs for itself. Rename it.`,
  )
}

export function toPointStruct(point: Point, layout: Layout, usualTerms?: number): Schemas['PointStruct'] {
  const { vector, terms, seen, writer, ...kept } = point
  const { text, payload, documentId, id, hash, title, heading, ...rest } = flatRecord(kept)
  const record = {
    id: encodeText(id),
    document: encodeText(documentId),
    hash: encodeText(hash),
    ...rest,
    ...(title === undefined ? {} : { title: encodeText(title) }),
    ...(heading === undefined ? {} : { heading: encodeText(heading) }),
    ...(seen === undefined ? {} : { seen }),
    moments: momentsIn(payload),
    ...(writer === undefined ? {} : { writer }),
  }
  const own = encodeJson(payload)
  return {
    id: uuidOf(id),
    vector: toVector(vector, documentVector(terms, usualTerms), layout),
    payload: {
      ...(layout.payload === undefined ? own : { [layout.payload]: own }),
      [layout.text ?? 'text']: encodeText(text),
      [recordKey]: record,
    },
  }
}

function toVector(vector: Float32Array, words: SparseVector, layout: Layout): Schemas['VectorStruct'] {
  const dense = Array.from(vector)
  if (layout.vector === '') return dense
  const sparse = layout.lexical !== undefined && words.indices.length > 0 ? { [layout.lexical]: words } : {}
  return { [layout.vector]: dense, ...sparse }
}

export function toPointKey({ id, payload }: Stored): PointKey {
  const { data } = keySchema.safeParse(payload?.[recordKey])
  if (!data) return foreignKey(id)
  const { id: stored, document, hash, writer, ...rest } = data
  const by = writer === undefined ? {} : { writer }
  return { id: decodeText(stored), documentId: decodeText(document), hash: decodeText(hash), ...rest, ...by }
}

export function toPointIds({ id, payload }: Stored): PointIds {
  const { data } = idsSchema.safeParse(payload?.[recordKey])
  return data
    ? { id: decodeText(data.id), document: decodeText(data.document) }
    : { id: String(id), document: String(id) }
}

/** A point that something else put is a document of its own, also where it has a field of the name that our record has. */
function foreignKey(id: Schemas['ExtendedPointId']): PointKey {
  return { id: String(id), documentId: String(id), chunk: 0, chunks: 1, hash: '' }
}

export function toPointRecord({ id, payload }: Stored, layout: Layout): PointRecord {
  const all: Readonly<Record<string, unknown>> = payload ?? {}
  const { data } = recordSchema.safeParse(all[recordKey])
  const { text, own } = partsOf(all, layout, data !== undefined)
  if (!data) {
    const title = stringOr(all['title'] ?? own['title'])
    return { ...foreignKey(id), title, content: textContent(text), payload: readJson(own) }
  }
  const { id: stored, document, hash, writer: _, ...others } = data
  const { title, heading, line, page, ...rest } = others
  return recordOf({
    id: decodeText(stored),
    documentId: decodeText(document),
    hash: decodeText(hash),
    ...rest,
    title: title === undefined ? undefined : decodeText(title),
    text: decodeText(text),
    heading: heading === undefined ? undefined : decodeText(heading),
    line,
    page,
    payload: decodeJson(own),
  })
}

/** The payload alone, of a point that was read in part. */
export function toPayload({ payload }: Pick<Stored, 'payload'>, layout: Layout): JsonObject {
  const { own } = partsOf(payload ?? {}, layout, layout.ours)
  return layout.ours ? decodeJson(own) : readJson(own)
}

/** Where payloads lie beside the text, what holds the text is no part of them. */
function partsOf(
  all: Readonly<Record<string, unknown>>,
  layout: Layout,
  isOurs: boolean,
): { text: string; own: JsonObject } {
  const path = layout.text ?? 'text'
  const text = textAt(all, path) ?? ''
  if (layout.payload !== undefined) return { text, own: objectOr(all[layout.payload]) }
  const [first = path] = path.split('.')
  const holder = typeof all[path] !== 'string' && typeof all[first] === 'string' ? first : path
  const { [holder]: _, ...beside } = all
  const { [recordKey]: __, ...own } = beside
  return { text, own: objectOr(isOurs ? own : beside) }
}

export function toScrolled(stored: Stored, layout: Layout): ScrollPage['points'][number] {
  const record = toPointRecord(stored, layout)
  const vector = vectorOf(stored, layout)
  return vector ? { ...record, vector } : record
}

function vectorOf({ vector }: Stored, layout: Layout): Float32Array | undefined {
  const dense: unknown = Array.isArray(vector) || !vector ? vector : Reflect.get(vector, layout.vector)
  return Array.isArray(dense) ? Float32Array.from(dense) : undefined
}

function stringOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** What the server sends is JSON already. */
function objectOr(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {}
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
