/** node add-worker.ts STORE FROM TO [SHARD OF]: adds documents d<FROM> to d<TO>, or a shard of them, and prints how many are stored after each batch. For tests that kill it. */
import { writeSync } from 'node:fs'
import { storeAt } from '../../src/cli/store-address.ts'
import { loadEncoder, openIndex } from '../../src/main.ts'

export function killDocument(i: number): { id: string; text: string } {
  const sentences = 1 + ((i * 7) % 60)
  return { id: `d${i}`, text: `Document ${i} has some sentences about number ${i}. `.repeat(sentences) }
}

const [location, from, to, shard, of] = process.argv.slice(2)
if (location && import.meta.filename === process.argv[1]) {
  await using encoder = await loadEncoder()
  await using store = storeAt(location)
  await using index = await openIndex({ name: 'docs', encoder, store })
  const documents = Array.from({ length: Number(to) - Number(from) }, (_, i) => killDocument(Number(from) + i))
  await index.add(documents, {
    ...(shard ? { shard: { number: Number(shard), of: Number(of) }, prune: true } : {}),
    onProgress: ({ documents: stored }) => writeSync(1, `${stored}\n`),
  })
}
