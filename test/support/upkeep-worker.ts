/** node upkeep-worker.ts FOLDER FROM: puts point after point from FROM on, deletes each third one again, merges all the while, and prints the number of each that is stored. For tests that kill it. */
import { writeSync } from 'node:fs'
import { lancedb } from '../../src/index/stores/lancedb.ts'
import { upkeepPoint, upkeepSchema } from './upkeep-points.ts'

const [folder = '', from] = process.argv.slice(2)
const store = lancedb({ path: folder, approximateFrom: 100 })
await store.ensure('docs', upkeepSchema)
const merging = async () => {
  for (;;) await store.optimize('docs')
}
void merging()
for (let i = Number(from); ; i++) {
  await store.upsert('docs', [upkeepPoint(i)])
  if (i % 3 === 0) await store.delete('docs', { documents: [`d${i}`] })
  writeSync(1, `${i}\n`)
}
