/** node qdrant-bulk.ts URL TOTAL: puts synthetic documents of 256 dimensions into a Qdrant server, and prints a JSON line after each batch. For `bench/qdrant.ts`, which kills it. */
import { writeSync } from 'node:fs'
import { type Encoder, openIndex, qdrant } from '../../src/main.ts'
import { createMatrix, createRandom, normalizeInPlace } from '../../src/shared/index.ts'

export interface BulkLine {
  /** Documents that are stored for good, of which some were there before. */
  readonly stored: number
  readonly unchanged: number
  /** Texts that this process embedded. */
  readonly embedded: number
  readonly megabytes: number
}

const dimensions = 256
const [url = '', total = '0'] = process.argv.slice(2)
let embedded = 0

/** Costs nothing, so that what is measured is everything else. */
const encoder: Encoder = {
  name: 'synthetic',
  dimensions,
  fingerprint: '5'.repeat(32),
  accepts: new Set(['text']),
  text: { maximumTokens: Infinity, countTokens: (text) => text.length },
  async encode(inputs) {
    const texts = inputs.map(String)
    embedded += texts.length
    const matrix = createMatrix(texts.length, dimensions)
    for (const [i, text] of texts.entries()) {
      const random = createRandom(Number(text.slice(0, text.indexOf(' '))))
      const row = matrix.row(i)
      for (let at = 0; at < dimensions; at++) row[at] = random() - 0.5
      normalizeInPlace(row)
    }
    return matrix
  },
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
}

function* documents() {
  for (let i = 0; i < Number(total); i++)
    yield { id: `d${i}`, text: `${i} is the number of this text, which says no more.`, payload: { group: i % 50 } }
}

await using store = qdrant({ url })
await using index = await openIndex({ name: 'bulk', encoder, store, fields: { group: 'number' } })
const print = (line: BulkLine) => writeSync(1, `${JSON.stringify(line)}\n`)
await index.add(documents(), {
  chunk: false,
  onProgress: ({ documents: stored, unchanged }) =>
    print({ stored, unchanged, embedded, megabytes: process.memoryUsage.rss() / 1e6 }),
})
