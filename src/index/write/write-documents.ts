import { createPace } from '../../shared/index.ts'
import type { Member } from '../generations/members.ts'
import type { Point, PointKey, VectorStore } from '../stores/store.ts'
import { cutDocument, type EncodeSettings, encodePieces, type Piece } from './encode-documents.ts'
import { knownVectors, type Reuse } from './known-vectors.ts'
import type { PreparedDocument } from './prepare.ts'
import { cutAsStored } from './stored-cuts.ts'

/** What documents come to in one generation: encoded, not yet written. */
export interface PreparedWrite {
  readonly member: Member
  /** What is stored of each document, and of those that they replace. */
  readonly keys: ReadonlyMap<string, readonly PointKey[]>
  readonly pieces: readonly Piece[]
  readonly points: ReadonlyMap<string, readonly Point[]>
  /** Chunks whose vectors were stored already. */
  readonly reused: number
  readonly failures: readonly { readonly id: string; readonly error: unknown }[]
  /** Documents that the signal left no time for. */
  readonly left: readonly string[]
}

export interface WriteSettings extends Omit<EncodeSettings, 'encoder' | 'known'> {
  readonly reuse?: Reuse | undefined
}

/** Reads which documents changed, by their hashes, and embeds what of them is not stored. */
export async function prepareWrite(
  store: VectorStore,
  member: Member,
  prepared: readonly PreparedDocument[],
  { reuse, ...settings }: WriteSettings,
): Promise<PreparedWrite> {
  const { collection, encoder } = member
  const pace = createPace()
  const ids = prepared.flatMap(({ document: { id, replaces } }) => (replaces === undefined ? [id] : [id, replaces]))
  const keys = await keysByDocument(store, collection, ids)
  const changed = prepared.filter(({ document, hash }) => !isWhole(keys.get(document.id), hash))
  const pieces: Piece[] = reuse ? await cutAsStored(store, { collection: reuse.collection, member }, changed) : []
  for (const one of reuse ? [] : changed) {
    await pace()
    pieces.push(await cutDocument(one, encoder))
  }
  const known = await knownVectors(store, member, { changed, keys, reuse })
  return { member, keys, pieces, ...(await encodePieces(pieces, { ...settings, encoder, known })) }
}

export interface Put {
  /** What was stored of each document just before. */
  readonly before: ReadonlyMap<string, readonly PointKey[]>
  /** Documents that were not there in this version, and were written. */
  readonly written: readonly string[]
}

/**
 * Puts the documents that are not there in this version: new chunks first, then those that the version does not have go, so that a reader never misses one.
 * Where several writers are at it, what is there afterwards may be of both: whoever calls looks.
 */
export async function put(
  store: VectorStore,
  collection: string,
  points: ReadonlyMap<string, readonly Point[]>,
  writer: string,
): Promise<Put> {
  const before = await keysByDocument(store, collection, [...points.keys()])
  const todo = [...points].filter(([id, [first]]) => first && !isWhole(before.get(id), first.hash))
  const written = todo.flatMap(([, own]) => own.map((point) => ({ ...point, writer })))
  const [fresh, changed] = [true, false].map((isNew) =>
    written.filter(({ documentId }) => !before.has(documentId) === isNew),
  )
  const twice = repeated(todo.flatMap(([id]) => before.get(id) ?? []))
  if (twice.length > 0) await store.delete(collection, { ids: twice })
  await store.upsert(collection, fresh ?? [], { onlyNew: true })
  await store.upsert(collection, changed ?? [])
  const kept = new Set(written.map(({ id }) => id))
  const stale = todo.flatMap(([id]) => before.get(id) ?? []).filter(({ id }) => !kept.has(id))
  if (stale.length > 0) await store.delete(collection, { ids: stale.map(({ id }) => id) })
  return { before, written: todo.map(([id]) => id) }
}

/** Ids that are there more than once: of two processes that change one row at the same moment, LanceDB may keep both. */
function repeated(keys: readonly PointKey[]): string[] {
  const seen = new Set<string>()
  return keys.map(({ id }) => id).filter((id) => seen.size === seen.add(id).size)
}

export async function keysByDocument(
  store: VectorStore,
  collection: string,
  documents: readonly string[],
): Promise<Map<string, PointKey[]>> {
  const keys = new Map<string, PointKey[]>()
  if (documents.length === 0) return keys
  for (const key of await store.keys(collection, documents)) {
    const others = keys.get(key.documentId)
    if (others) others.push(key)
    else keys.set(key.documentId, [key])
  }
  return keys
}

/** All chunks are there, of this version: what a killed run left in the middle of a document is finished by the next. */
export function isWhole(keys: readonly PointKey[] | undefined, hash: string): boolean {
  const [first] = keys ?? []
  return first !== undefined && keys?.length === first.chunks && keys.every((key) => key.hash === hash)
}
