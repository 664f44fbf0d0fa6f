/**
 * The HTTP server under load, with autocannon in a process of its own beside it.
 *
 *     npm run bench:http -- embeddings
 *     npm run bench:http -- search 10000
 *     npm run bench:http -- overload 60
 *     npm run bench:http -- blocks 10000
 *     npm run bench:http -- mixed 600
 *     npm run bench:http -- streams 10000
 *     npm run bench:http -- answers 20
 */
import { machine } from '../support/sides.ts'
import { benchAnswers } from './answers.ts'
import { benchBlocks } from './blocks.ts'
import { benchEmbeddings } from './embeddings.ts'
import { benchMixed } from './mixed.ts'
import { benchOverload } from './overload.ts'
import { benchSearch } from './search.ts'
import { benchStreams } from './streams.ts'

const benches: Readonly<Record<string, (size?: number) => Promise<void>>> = {
  embeddings: benchEmbeddings,
  search: benchSearch,
  overload: benchOverload,
  blocks: benchBlocks,
  mixed: benchMixed,
  streams: benchStreams,
  answers: benchAnswers,
}
const [name, size] = process.argv.slice(2)
const chosen = name === undefined ? Object.values(benches) : [benches[name]]

console.log(`${machine()}\n`)
for (const bench of chosen) {
  if (!bench) throw new Error(`benches: ${Object.keys(benches).join(', ')}`)
  await bench(size === undefined ? undefined : Number(size))
}
