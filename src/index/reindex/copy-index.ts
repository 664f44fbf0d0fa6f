import { checkOptionKeys, type OptionKeys, QontrastError } from '../../shared/index.ts'
import { firstCollection, indexNotFound } from '../generations/generations.ts'
import { checkSameSchema } from '../stores/check.ts'
import { keyPages } from '../stores/key-pages.ts'
import { checkIndexName } from '../stores/names.ts'
import type { Point, PointKey, ScrollPage, VectorStore } from '../stores/store.ts'
import { within } from '../stores/within.ts'
import { passageTerms } from '../text/lexical.ts'

/** An index in a store. */
export interface IndexPlace {
  readonly store: VectorStore
  readonly index: string
}

export interface CopyOptions {
  readonly from: IndexPlace
  readonly to: IndexPlace
  readonly signal?: AbortSignal
  /** Points that were looked at, of how many; those that are there already cost a look. */
  readonly onProgress?: (progress: { readonly points: number; readonly total: number }) => void
}

const placeKeys: OptionKeys<IndexPlace> = { store: true, index: true }
const copyKeys: OptionKeys<CopyOptions> = { from: true, to: true, signal: true, onProgress: true }

export interface CopyReport {
  /** Collections. */
  readonly from: string
  readonly to: string
  readonly documents: number
  readonly points: number
  /** Points that this run wrote; the others were there. */
  readonly written: number
}

const pointsAtOnce = 500

/**
 * Copies an index into another store, or under another name, with its vectors and payloads as they are: nothing is embedded.
 * The copy gets its name when it is whole; broken off, the next run goes on. The source must stay still: counts are compared.
 * Rejects with `index-not-found`, `invalid-option` (the target is another index), `encoder-mismatch`, `store-busy` (the source changed) or `aborted`.
 */
export async function copyIndex(options: CopyOptions): Promise<CopyReport> {
  checkOptionKeys('copyIndex', options, copyKeys)
  const { signal, onProgress } = options
  checkOptionKeys('copyIndex: from', options.from, placeKeys)
  checkOptionKeys('copyIndex: to', options.to, placeKeys)
  const from = { ...options.from, store: within(options.from.store, signal) }
  const to = { ...options.to, store: within(options.to.store, signal) }
  const source = await from.store.info(from.index)
  if (!source) throw await indexNotFound(from.store, from.index)
  const target = await openTarget(from, to, source)
  await refuseOther(from.store, source.name, { ...to, collection: target })

  let looked = 0
  let written = 0
  for await (const keys of keyPages(from.store, source.name, signal)) {
    const missing = await missingIn(to.store, target, keys)
    for (let at = 0; at < missing.length; at += pointsAtOnce) {
      const ids = missing.slice(at, at + pointsAtOnce)
      const points = (await from.store.get(source.name, { ids }, { vectors: true })).map(toPoint)
      await to.store.upsert(target, points)
      written += points.length
      onProgress?.({ points: looked + at + ids.length, total: source.points })
    }
    looked += keys.length
    onProgress?.({ points: looked, total: Math.max(looked, source.points) })
  }
  const counts = await Promise.all([from.store.count(source.name), to.store.count(target)])
  if (counts[0] !== counts[1]) {
    throw new QontrastError(
      'store-busy',
      `'${from.index}' has ${counts[0]} points and its copy ${counts[1]}: it was written to meanwhile. Stop the writers and run this again.`,
    )
  }
  await to.store.optimize(target, signal ? { signal } : {})
  if (!(await to.store.info(to.index))) await to.store.alias(to.index, target)
  const documents = await to.store.count(target, { unit: 'documents' })
  return { from: source.name, to: target, documents, points: counts[1], written }
}

/** A copy that is not whole yet has no name: only the next run finds it. */
async function openTarget(
  from: IndexPlace,
  to: IndexPlace,
  { name, schema }: { readonly name: string; readonly schema: Parameters<typeof checkSameSchema>[1] },
): Promise<string> {
  const existing = await to.store.info(to.index)
  if (existing) {
    if (to.store.name === from.store.name && existing.name === name) {
      throw new QontrastError(
        'invalid-option',
        `'${to.index}' is the index itself; copy it under another name or into another store.`,
      )
    }
    checkSameSchema(to.index, existing.schema, schema)
    return existing.name
  }
  checkIndexName(to.index)
  const first = firstCollection(to.store, to.index)
  await to.store.ensure(first, schema)
  return first
}

/** Nothing is written into an index that has documents of its own. */
async function refuseOther(store: VectorStore, source: string, to: IndexPlace & { collection: string }): Promise<void> {
  for await (const keys of keyPages(to.store, to.collection, undefined)) {
    const documents = [...new Set(keys.map(({ documentId }) => documentId))]
    const there = new Set((await store.keys(source, documents)).map(({ documentId }) => documentId))
    const other = documents.find((id) => !there.has(id))
    if (other === undefined) continue
    throw new QontrastError(
      'invalid-option',
      `'${to.index}' is there already and is another index: it has the document ${JSON.stringify(other)}. Choose another name, or drop it first.`,
    )
  }
}

/** Ids of points that the target has not, or has of another version; what it has too many of their documents goes. */
async function missingIn(store: VectorStore, target: string, keys: readonly PointKey[]): Promise<string[]> {
  const documents = [...new Set(keys.map(({ documentId }) => documentId))]
  const there = new Map((await store.keys(target, documents)).map((key) => [key.id, key]))
  const missing = keys.filter(
    ({ id, hash, chunks }) => there.get(id)?.hash !== hash || there.get(id)?.chunks !== chunks,
  )
  const lengths = new Map(keys.map(({ documentId, chunks }) => [documentId, chunks]))
  const stale = [...there.values()].filter(({ documentId, chunk }) => chunk >= (lengths.get(documentId) ?? 0))
  if (stale.length > 0) await store.delete(target, { ids: stale.map(({ id }) => id) })
  return missing.map(({ id }) => id)
}

function toPoint({ vector, ...record }: ScrollPage['points'][number]): Point {
  if (!vector) throw new QontrastError('internal', `the store gave no vector of ${JSON.stringify(record.id)}`)
  return { ...record, vector, terms: passageTerms(record) }
}
