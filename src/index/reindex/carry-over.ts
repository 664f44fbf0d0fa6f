import { randomBytes } from 'node:crypto'
import { throwIfAborted } from '../../shared/index.ts'
import type { Member } from '../generations/members.ts'
import { keyPages } from '../stores/key-pages.ts'
import type { PointKey, PointRecord, VectorStore } from '../stores/store.ts'
import { within } from '../stores/within.ts'
import { chunkingOf } from '../text/chunk-settings.ts'
import { joinChunks } from '../text/join-chunks.ts'
import type { Reuse } from '../write/known-vectors.ts'
import { createMeter } from '../write/meter.ts'
import type { PreparedDocument } from '../write/prepare.ts'
import { inTurn, turnKeys } from '../write/turns.ts'
import { isWhole, keysByDocument, prepareWrite, put } from '../write/write-documents.ts'

export interface CarryOverOptions {
  readonly store: VectorStore
  readonly from: string
  /** Opens the encoder of the generation to write to, where anything is to be encoded at all. */
  readonly to: { readonly collection: string; member(): Promise<Member> }
  /** A collection whose vectors are taken where the encoder's input is the same, unless the input's vector would be another today. */
  readonly reuse?: Reuse
  /** Asked before each write: throws where `from` is not the source any more. */
  readonly check: () => Promise<void>
  /** Looks again a moment later before it mends: what is being written to both generations now is no difference. */
  readonly patient: boolean
  readonly signal: AbortSignal | undefined
  readonly onProgress: (progress: { readonly compared: number; readonly chunks: number }) => void
}

export interface CarriedOver {
  /** Documents of `from`. */
  readonly documents: number
  /** Documents that differed, and were written or deleted. */
  readonly mended: number
  /** Chunks that were embedded; others had their vectors already. */
  readonly chunks: number
  /** Documents that could not be carried over, each with the reason. */
  readonly failures: ReadonlyMap<string, unknown>
}

const batchDocuments = 256
const documentsAtOnce = 32
const looksAtHalfWritten = 5
const halfWrittenReason = 'only a part of it is stored: a run that wrote it was killed.'
/** What still changes after so many looks is left to the next pass. */
const mostLooks = 20
const pauseMilliseconds = 50

/**
 * One pass over two generations, by keys alone: what differs is embedded and written, what is gone is deleted.
 * Nothing is embedded that is there already, so a pass that was broken off goes on where it was.
 */
export async function carryOver(options: CarryOverOptions): Promise<CarriedOver> {
  const { from, to, reuse, check, patient, signal, onProgress } = options
  const store = within(options.store, signal)
  const writer = randomBytes(9).toString('base64url')
  const meter = createMeter()
  const failures = new Map<string, unknown>()
  let documents = 0
  let mended = 0
  let chunks = 0

  for await (const keys of keyPages(store, from, signal)) {
    const ids = keys.filter(({ chunk }) => chunk === 0).map(({ documentId }) => documentId)
    mended += await mend(ids)
    documents += ids.length
    onProgress({ compared: documents, chunks })
  }
  for await (const keys of keyPages(store, to.collection, signal)) {
    const ids = [...new Set(keys.map(({ documentId }) => documentId))]
    const there = await keysByDocument(store, from, ids)
    mended += await mend(ids.filter((id) => !there.has(id)))
  }
  return { documents, mended, chunks, failures }

  /** Compares again after it wrote: whoever writes to `from` in between writes to the other one afterwards, or is seen here. */
  async function mend(ids: readonly string[]): Promise<number> {
    const touched = new Set<string>()
    /** A part of one version: how often it was seen, without a writer having come to it. */
    const parts = new Map<string, { readonly hash: string; readonly times: number }>()
    let rest = ids
    for (let look = patient ? 0 : 1; ; look++) {
      const { gone, changed } = await differences(rest)
      rest = [...gone, ...changed.map(({ id }) => id)].filter((id) => !failures.has(id))
      if (rest.length === 0 || look > mostLooks) return touched.size
      throwIfAborted(signal)
      if (look === 0) {
        await pause(look)
        continue
      }
      await check()
      for (const id of rest) touched.add(id)
      if (gone.length > 0)
        await inTurn(turnKeys(store, to.collection, gone), () => store.delete(to.collection, { documents: gone }))
      const halfWritten = await copy(changed.filter(({ id }) => !failures.has(id)))
      const hashes = new Map(changed.map(({ id, hash }) => [id, hash]))
      for (const id of halfWritten) {
        const [hash = '', before] = [hashes.get(id), parts.get(id)]
        const times = before?.hash === hash ? before.times + 1 : 1
        parts.set(id, { hash, times })
        if (times >= looksAtHalfWritten) failures.set(id, new Error(halfWrittenReason))
      }
      if (halfWritten.length > 0) await pause(Math.min(look, looksAtHalfWritten))
    }
  }

  async function differences(ids: readonly string[]) {
    const [source, target] = await Promise.all([from, to.collection].map((name) => keysByDocument(store, name, ids)))
    const gone = ids.filter((id) => !source?.has(id) && target?.has(id))
    const changed = ids.flatMap((id) => {
      const hash = hashOf(source?.get(id))
      return hash === undefined || isWhole(target?.get(id), hash) ? [] : [{ id, hash }]
    })
    return { gone, changed }
  }

  /** Returns the ids of documents that are not whole in `from` now. */
  async function copy(changed: readonly { id: string; hash: string }[]): Promise<string[]> {
    const halfWritten: string[] = []
    let batch: PreparedDocument[] = []
    let characters = 0
    const write = async () => {
      if (batch.length === 0) return
      throwIfAborted(signal)
      let embedded = 0
      const prepared = await prepareWrite(store, await to.member(), batch, {
        seen: 0,
        meter,
        reuse,
        signal,
        onEmbedded: (more) => {
          embedded += more
        },
      })
      for (const { id, error } of prepared.failures) failures.set(id, error)
      await check()
      const ids = prepared.points.keys()
      await inTurn(turnKeys(store, to.collection, ids), () => put(store, to.collection, prepared.points, writer))
      chunks += embedded
      onProgress({ compared: documents, chunks })
      batch = []
      characters = 0
    }
    for (let at = 0; at < changed.length; at += documentsAtOnce) {
      const some = changed.slice(at, at + documentsAtOnce)
      const hashes = new Map(some.map(({ id, hash }) => [id, hash]))
      const found = await storedDocuments(store, from, hashes)
      halfWritten.push(...some.map(({ id }) => id).filter((id) => !found.has(id)))
      for (const one of found.values()) {
        batch.push(one)
        characters += one.document.text.length
        if (batch.length >= batchDocuments || characters >= meter.budget()) await write()
      }
    }
    await write()
    return halfWritten
  }
}

/** Documents as they are stored whole, with the hash and the settings they were put with; those that are not whole are left out. */
export async function storedDocuments(
  store: VectorStore,
  collection: string,
  hashes: ReadonlyMap<string, string>,
): Promise<Map<string, PreparedDocument>> {
  const points = await store.get(collection, { documents: [...hashes.keys()] })
  const chunks = new Map<string, PointRecord[]>([...hashes.keys()].map((id) => [id, []]))
  for (const point of points) {
    if (point.hash === hashes.get(point.documentId)) chunks.get(point.documentId)?.push(point)
  }
  const found = new Map<string, PreparedDocument>()
  for (const [id, hash] of hashes) {
    const own = chunks.get(id) ?? []
    const document = own.length === own[0]?.chunks ? joinChunks(own) : undefined
    if (document) found.set(id, { document, hash, chunk: chunkingOf(hash) })
  }
  return found
}

/** The version of a document is that of its first chunk: a rewritten document gets its new chunks before it loses the old ones. */
function hashOf(keys: readonly PointKey[] | undefined): string | undefined {
  return keys?.find(({ chunk }) => chunk === 0)?.hash
}

function pause(look: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pauseMilliseconds * 2 ** look))
}
