import type { Member } from '../generations/members.ts'
import type { VectorStore } from '../stores/store.ts'
import { cutterOf } from '../text/cutter.ts'
import { cutDocument, type Piece } from './encode-documents.ts'
import type { PreparedDocument } from './prepare.ts'

/** Documents cut where they are cut in another collection, so that what was embedded of them stays right. */
export async function cutAsStored(
  store: VectorStore,
  { collection, member }: { readonly collection: string; readonly member: Member },
  prepared: readonly PreparedDocument[],
): Promise<Piece[]> {
  if (prepared.length === 0) return []
  const points = await store.get(collection, { documents: prepared.map(({ document }) => document.id) })
  const chunks = Map.groupBy(points, ({ documentId }) => documentId)
  const pieces: Piece[] = []
  for (const one of prepared) {
    const { document, chunk, hash } = one
    const spans = chunks.get(document.id)?.filter((point) => point.hash === hash) ?? []
    if (spans.length === 0 || spans.length !== spans[0]?.chunks) pieces.push(await cutDocument(one, member.encoder))
    else {
      const prefix = await cutterOf(member.encoder).prefixOf(document.title ?? '', chunk)
      pieces.push({ prepared: one, prefix, spans: spans.map(({ content }) => content), cut: false })
    }
  }
  return pieces
}
