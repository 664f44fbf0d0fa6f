import { createPace } from '../shared/index.ts'
import { encodePieces, type Piece } from './encode-documents.ts'
import type { Member } from './members.ts'
import type { PreparedDocument } from './prepare.ts'
import type { Point, PointKey, VectorStore } from './store.ts'

/** What documents come to in one generation: encoded, not yet written. */
export interface PreparedWrite {
  readonly member: Member
  /** What is stored of each document. */
  readonly keys: ReadonlyMap<string, readonly PointKey[]>
  readonly unchanged: number
  readonly pieces: readonly Piece[]
  readonly points: ReadonlyMap<string, readonly Point[]>
  readonly failures: readonly { readonly id: string; readonly error: unknown }[]
}

/** Reads which documents changed, by their hashes, and encodes those. */
export async function prepareWrite(
  store: VectorStore,
  member: Member,
  prepared: readonly PreparedDocument[],
  { seen, signal }: { seen: number; signal?: AbortSignal | undefined },
): Promise<PreparedWrite> {
  const { collection, encoder, cut } = member
  const pace = createPace()
  const keys = await keysByDocument(
    store,
    collection,
    prepared.map(({ document }) => document.id),
  )
  const changed = prepared.filter(({ document, hash }) => !isWhole(keys.get(document.id), hash))
  const pieces: Piece[] = []
  for (const one of changed) {
    await pace()
    pieces.push(await cut(one))
  }
  const { points, failures } = await encodePieces(pieces, { encoder, seen, signal })
  return { member, keys, unchanged: prepared.length - changed.length, pieces, points, failures }
}

/** New chunks first, then those that the new version no longer has: a reader never misses a document. Returns how many chunks were written. */
export async function storeWrite(store: VectorStore, { member, points, keys }: PreparedWrite): Promise<number> {
  const { collection } = member
  const written = [...points.values()].flat()
  await store.upsert(collection, written)
  const kept = new Set(written.map(({ id }) => id))
  const stale = [...points.keys()].flatMap((id) => keys.get(id) ?? []).filter(({ id }) => !kept.has(id))
  if (stale.length > 0) await store.delete(collection, { ids: stale.map(({ id }) => id) })
  return written.length
}

export async function keysByDocument(
  store: VectorStore,
  collection: string,
  documents: readonly string[],
): Promise<Map<string, PointKey[]>> {
  const keys = new Map<string, PointKey[]>()
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
