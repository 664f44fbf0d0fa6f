import type { Encoder } from '../../embed/index.ts'
import { checkOptionKeys, type OptionKeys, QontrastError } from '../../shared/index.ts'
import { type Generation, readGenerations } from '../generations/generations.ts'
import { format, isOutdated } from '../stores/format.ts'
import { keyPages } from '../stores/key-pages.ts'
import { nextAlias, nextGeneration, previousAlias } from '../stores/names.ts'
import type { CollectionSchema, PointKey, VectorStore } from '../stores/store.ts'
import { patientlyWithin } from '../stores/within.ts'
import { storedDocuments } from './carry-over.ts'
import { countDocuments, type MoveOptions, moveKeys, moveTo, type ReindexReport } from './move-to.ts'

export interface UpgradeOptions extends MoveOptions {
  /** The encoder that made the index; another one embeds everything anew, if `anew` says that it may. */
  readonly encoder: Encoder
  /** Takes an encoder that is not the one which made the index. */
  readonly anew?: boolean
}

export interface UndoUpgradeOptions {
  readonly store: VectorStore
  readonly index: string
  /** Gives up what was written since the upgrade: the old form does not have it. */
  readonly discard?: boolean
}

const upgradeKeys: OptionKeys<UpgradeOptions> = { ...moveKeys, encoder: true, anew: true }
const undoKeys: OptionKeys<UndoUpgradeOptions> = { store: true, index: true, discard: true }

/**
 * Brings an index of an older form over, as a new generation beside it: texts, payloads and ids are kept, and vectors wherever this version would compute the same.
 * Broken off at any moment, it goes on where it was; the old form stays for {@link undoUpgrade} until {@link dropOldIndex}. Nothing to do is no error.
 * Rejects with `index-not-found`, `encoder-mismatch`, `invalid-option`, `invalid-input` (a document cannot be carried over) or `aborted`.
 */
export async function upgradeIndex(given: UpgradeOptions): Promise<ReindexReport> {
  checkOptionKeys('upgradeIndex', given, upgradeKeys)
  const { encoder, anew = false, ...options } = given
  const { index } = options
  const store = patientlyWithin(options.store, options.signal)
  const generations = await readGenerations(store, index)
  const { current, next, previous } = generations
  if (!isOutdated(current.schema)) {
    const documents = await countDocuments(store, current)
    return { index, from: current.collection, to: current.collection, documents, chunks: 0 }
  }
  const same = madeBy(current.schema, encoder)
  if (!same && !anew) throw otherEncoder(index, current.schema, encoder)
  if (next && isOutdated(next.schema)) await giveUp(store, index, next) // a re-index of the old version was broken off
  const fits = (generation: Generation | undefined) =>
    generation && !isOutdated(generation.schema) && generation.schema.encoder.fingerprint === encoder.fingerprint
  const known = [next, previous].find(fits)
  const target = known ?? (await createUpgraded(store, index, { current, encoder }))
  const member = { ...target, encoder }
  const differs = same ? (text: string) => encoder.legacy?.differs(text) ?? false : undefined
  return moveTo({
    ...options,
    store,
    generations,
    target,
    member: async () => member,
    ...(differs ? { reuse: { collection: current.collection, differs } } : {}),
  })
}

/**
 * Goes back to the old form, for the version that wrote it; the upgraded one is kept, and {@link upgradeIndex} goes on from it.
 * Rejects with `invalid-option` where there is no old form, or where documents were written since and `discard` is not said.
 */
export async function undoUpgrade(given: UndoUpgradeOptions): Promise<ReindexReport> {
  checkOptionKeys('undoUpgrade', given, undoKeys)
  const { store, index, discard = false } = given
  const { current, previous } = await readGenerations(store, index)
  if (!previous || !isOutdated(previous.schema)) {
    throw new QontrastError(
      'invalid-option',
      `Index '${index}' has no older form to go back to: it was not upgraded, or that was dropped.`,
    )
  }
  const newer = discard ? 0 : await countNewer(store, current.collection, previous.collection)
  if (newer > 0) {
    throw new QontrastError(
      'invalid-option',
      `${newer} documents of '${index}' were written or deleted since the upgrade, and the older form does not know of it. ` +
        `To go back all the same and give that up: qontrast upgrade --index ${index} --rollback --discard.`,
    )
  }
  await store.alias(index, previous.collection)
  await store.alias(previousAlias(index), current.collection)
  const documents = await countDocuments(store, previous)
  return { index, from: current.collection, to: previous.collection, documents, chunks: 0 }
}

function madeBy({ encoder: made }: CollectionSchema, encoder: Encoder): boolean {
  return [encoder.fingerprint, ...(encoder.legacy?.fingerprints ?? [])].includes(made.fingerprint)
}

async function giveUp(store: VectorStore, index: string, next: Generation): Promise<void> {
  await store.alias(nextAlias(index), undefined)
  await store.drop(next.collection)
}

async function createUpgraded(
  store: VectorStore,
  index: string,
  { current, encoder }: { readonly current: Generation; readonly encoder: Encoder },
): Promise<Generation> {
  const { fields, format: upgradedFrom = format } = current.schema
  const schema: CollectionSchema = {
    dimensions: encoder.dimensions,
    encoder: { name: encoder.name, fingerprint: encoder.fingerprint },
    fields,
    upgradedFrom,
  }
  const collection = nextGeneration(index, current.collection)
  await store.ensure(collection, schema)
  return { collection, schema }
}

/** Documents that two generations do not have alike, whatever the hashes say: those are made in two forms. */
async function countNewer(store: VectorStore, from: string, to: string): Promise<number> {
  let newer = 0
  let alike = 0
  for await (const keys of keyPages(store, from, undefined)) {
    const hashes = hashesOf(keys)
    const others = hashesOf(await store.keys(to, [...hashes.keys()]))
    const there = await storedDocuments(store, to, others)
    for (const [id, { document }] of await storedDocuments(store, from, hashes)) {
      if (contentOf(document) === contentOf(there.get(id)?.document)) alike += 1
      else newer += 1
    }
  }
  const deleted = (await store.count(to, { unit: 'documents' })) - alike
  return Math.max(newer, deleted)
}

function hashesOf(keys: readonly PointKey[]): Map<string, string> {
  return new Map(keys.filter(({ chunk }) => chunk === 0).map(({ documentId, hash }) => [documentId, hash]))
}

function contentOf(document: { title?: string; text: string; payload?: object } | undefined): string | undefined {
  return document && JSON.stringify([document.title, document.text, document.payload])
}

function otherEncoder(index: string, { encoder: made }: CollectionSchema, encoder: Encoder): QontrastError {
  return new QontrastError(
    'encoder-mismatch',
    `Index '${index}' was made with the encoder '${made.name}' (${made.fingerprint.slice(0, 8)}), and '${encoder.name}' is another one, or has changed since. ` +
      `Upgrade it with the model it was made with, or embed everything anew with this one: qontrast upgrade --index ${index} --model ${encoder.name} --anew.`,
  )
}
