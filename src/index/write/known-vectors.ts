import type { Member } from '../generations/members.ts'
import { isUnknown } from '../stores/check.ts'
import type { PointKey, VectorStore } from '../stores/store.ts'
import { chunkingOf } from '../text/chunk-settings.ts'
import { cutterOf } from '../text/cutter.ts'
import type { KnownVectors } from './encode-documents.ts'
import type { PreparedDocument } from './prepare.ts'

/** Another collection: documents are cut as they are cut there, and its vectors taken where the encoder's input is the same, unless that input's vector would be another today. */
export interface Reuse {
  readonly collection: string
  differs(input: string): boolean
}

/**
 * Vectors that are stored of changed documents, and of those that they replace, by what the encoder was given for them:
 * that follows from the title, the settings and the passage, which are stored, so nothing more needs to be.
 */
export async function knownVectors(
  store: VectorStore,
  member: Member,
  {
    changed,
    keys,
    reuse,
  }: {
    readonly changed: readonly PreparedDocument[]
    readonly keys: ReadonlyMap<string, readonly PointKey[]>
    readonly reuse: Reuse | undefined
  },
): Promise<KnownVectors> {
  const known = new Map<string, Map<string, Float32Array>>()
  if (changed.length === 0) return known
  /** Stored document → documents that may take its vectors. */
  const takers = new Map<string, string[]>()
  for (const { document } of changed) {
    for (const id of [document.id, document.replaces]) {
      if (id === undefined) continue
      const others = takers.get(id)
      if (others) others.push(document.id)
      else takers.set(id, [document.id])
    }
  }
  const stored = [...takers.keys()].filter((id) => keys.has(id))
  if (reuse) await take(reuse.collection, [...takers.keys()], reuse.differs)
  if (!isUnknown(member.schema)) await take(member.collection, stored, () => false)
  return known

  async function take(collection: string, documents: readonly string[], differs: (input: string) => boolean) {
    if (documents.length === 0) return
    const prefixes = new Map<string, string>()
    for (const { documentId, title = '', hash, content, vector } of await store.get(
      collection,
      { documents },
      { vectors: true },
    )) {
      const titled = JSON.stringify([title, chunkingOf(hash)])
      const prefix = prefixes.get(titled) ?? (await cutterOf(member.encoder).prefixOf(title, chunkingOf(hash)))
      prefixes.set(titled, prefix)
      const input = prefix + content.text
      if (!vector || differs(input)) continue
      for (const taker of takers.get(documentId) ?? []) {
        const own = known.get(taker) ?? new Map<string, Float32Array>()
        own.set(input, vector)
        known.set(taker, own)
      }
    }
  }
}
