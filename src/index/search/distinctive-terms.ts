import type { Member } from '../generations/members.ts'
import type { PointRecord, VectorStore } from '../stores/store.ts'
import { passageTerms } from '../text/lexical.ts'

const mostTerms = 32
const sampled = 500

/**
 * The words that tell some documents from the rest of an index, best first: by tf · idf, a document's share at most 1, less what unwanted ones have of it.
 * How rare a word is comes from a sample of the index: one page of its chunks.
 */
export async function distinctiveTerms({
  store,
  member: { collection },
  wanted,
  unwanted,
}: {
  readonly store: VectorStore
  readonly member: Member
  readonly wanted: readonly (readonly PointRecord[])[]
  readonly unwanted: readonly (readonly PointRecord[])[]
}): Promise<string[]> {
  const { points: sample } = await store.scroll(collection, { limit: sampled })
  const frequency = new Map<string, number>()
  for (const point of sample)
    for (const term of new Set(passageTerms(point))) frequency.set(term, (frequency.get(term) ?? 0) + 1)
  const shares = sharesOf(wanted)
  const away = sharesOf(unwanted)
  return [...shares]
    .map(([term, share]) => {
      const rarity = Math.log(1 + (sample.length + 1) / ((frequency.get(term) ?? 0) + 0.5))
      return { term, weight: (share - (away.get(term) ?? 0)) * rarity }
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || (a.term < b.term ? -1 : 1))
    .slice(0, mostTerms)
    .map(({ term }) => term)
}

/** The mean over documents of how much a term is used in one: its count over that of the commonest term. */
function sharesOf(documents: readonly (readonly PointRecord[])[]): Map<string, number> {
  const shares = new Map<string, number>()
  for (const points of documents) {
    const counts = new Map<string, number>()
    for (const term of points.flatMap(passageTerms)) counts.set(term, (counts.get(term) ?? 0) + 1)
    const most = Math.max(...counts.values(), 1)
    for (const [term, count] of counts)
      shares.set(term, (shares.get(term) ?? 0) + count / most / Math.max(documents.length, 1))
  }
  return shares
}
