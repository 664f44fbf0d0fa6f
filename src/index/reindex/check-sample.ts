import { dot, QontrastError } from '../../shared/index.ts'
import type { Member } from '../generations/members.ts'
import type { VectorStore } from '../stores/store.ts'
import { cutDocument, encodePieces } from '../write/encode-documents.ts'
import { storedDocuments } from './carry-over.ts'

const sampleDocuments = 16
const keysLookedAt = 5_000
/** Quantized models give slightly other vectors in other company, and stores may keep halves of floats. */
const leastCosine = 0.98

/** Embeds some documents of one generation once more, and compares with what the other one holds. Rejects with `store-failed`. */
export async function checkSample(store: VectorStore, from: string, member: Member): Promise<void> {
  const { keys } = await store.scrollKeys(from, { limit: keysLookedAt })
  const first = keys.filter(({ chunk }) => chunk === 0)
  const step = Math.max(1, Math.floor(first.length / sampleDocuments))
  const chosen = first.filter((_, i) => i % step === 0)
  const documents = await storedDocuments(
    store,
    from,
    new Map(chosen.map(({ documentId, hash }) => [documentId, hash])),
  )
  const pieces = []
  for (const one of documents.values()) pieces.push(await cutDocument(one, member.encoder))
  const { points } = await encodePieces(pieces, { encoder: member.encoder, seen: 0 })

  const stored = await store.get(member.collection, { documents: [...points.keys()] }, { vectors: true })
  const vectors = new Map(stored.map(({ id, hash, vector }) => [`${id} ${hash}`, vector]))
  for (const point of [...points.values()].flat()) {
    const vector = vectors.get(`${point.id} ${point.hash}`)
    if (!vector || isSame(vector, point.vector)) continue // rewritten meanwhile, or the same
    throw new QontrastError(
      'store-failed',
      `The vector of ${JSON.stringify(point.id)} in '${member.collection}' is not what '${member.encoder.name}' gives for it. The index was not switched: give this one up with --rollback and start again.`,
    )
  }
}

/** A text that the encoder understands nothing of has the zero vector, now as before. */
function isSame(stored: Float32Array, made: Float32Array): boolean {
  return dot(stored, made) >= leastCosine || (dot(stored, stored) === 0 && dot(made, made) === 0)
}
