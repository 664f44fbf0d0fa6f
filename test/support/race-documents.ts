import type { Document, SearchIndex, VectorStore } from '../../src/main.ts'
import { combineSeeds, createRandom } from '../../src/shared/index.ts'

export const raceIds: readonly string[] = Array.from({ length: 12 }, (_, i) => `d${i}`)

/** The same ids in every version; title, text, number of chunks and payload tell which version it is. */
export function raceDocuments(version: number): (Document & { readonly text: string })[] {
  return raceIds.map((id, i) => {
    const random = createRandom(combineSeeds(version + 1, i))
    const length = 3 + Math.floor(random() * 60)
    const text = Array.from({ length }, () => `w${Math.floor(random() * 400)}`).join(' ')
    return { id, title: `w${version % 400}`, text, payload: { version, half: i % 2 === 0, length } }
  })
}

/** What is wrong with what an index holds: documents that are no version as a whole, and generations that differ. */
export async function findTorn(
  index: SearchIndex,
  store: VectorStore,
  collections: readonly string[],
): Promise<string[]> {
  const wrong: string[] = []
  const versions = new Map<string, string>()
  for (const [i, collection] of collections.entries()) {
    const points = Map.groupBy(await store.get(collection, { documents: raceIds }), ({ documentId }) => documentId)
    const texts = new Map((await index.get(raceIds)).map((document, j) => [raceIds[j], document]))
    for (const id of raceIds) {
      const own = points.get(id) ?? []
      const version = own[0]?.payload['version']
      const held = JSON.stringify([version, own[0]?.hash])
      if (i === 0) versions.set(id, held)
      else if (versions.get(id) !== held)
        wrong.push(`${id} is ${versions.get(id)} in one generation and ${held} in another`)
      if (own.length === 0) continue
      const expected = raceDocuments(Number(version)).find((document) => document.id === id)
      const whole =
        own.length === own[0]?.chunks &&
        own.every(({ chunk, hash, payload, title }, at) => {
          const same = JSON.stringify(payload) === JSON.stringify(expected?.payload) && title === expected?.title
          return chunk === at && hash === own[0]?.hash && same
        })
      if (!whole)
        wrong.push(
          `${id} in ${collection}: ${JSON.stringify(own.map(({ chunk, payload }) => [chunk, payload['version']]))}`,
        )
      else if (i === 0 && texts.get(id)?.text !== expected?.text)
        wrong.push(`${id}: the text is not that of version ${version}`)
    }
  }
  return wrong
}
