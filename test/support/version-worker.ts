/**
 * node version-worker.ts STORE MODEL SEED ROUNDS [delete]: at once with others, puts versions of the same documents, and deletes some in between if told.
 * Prints what each add reported, as JSON lines.
 */
import { storeAt } from '../../src/cli/store-address.ts'
import { loadEncoder, openIndex } from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { raceDocuments } from './race-documents.ts'

const [location = '', model = '', seed = '0', rounds = '1', job] = process.argv.slice(2)
await using encoder = await loadEncoder(model)
await using store = storeAt(location)
await using index = await openIndex({ name: 'docs', encoder, store })
const random = createRandom(Number(seed) + 1)
for (let round = 0; round < Number(rounds); round++) {
  const report = await index.add(raceDocuments(job === 'same' ? 0 : Number(seed) * 1_000 + round))
  console.log(JSON.stringify(report))
  if (job === 'delete' && random() < 0.5) await index.delete({ filter: { half: random() < 0.5 } })
}
