import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createChunker } from '../../../src/index/text/chunk.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')
const megabyte = ' '.repeat(1_000_000)
const texts = 100

function heapMegabytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 1e6
}

test('the counts of words keep the words only, not the texts that they came from', async () => {
  const chunker = createChunker({ tokens: 100, overlap: 0, countTokens: () => 1 })
  const before = heapMegabytes()
  for (let i = 0; i < texts; i++) {
    await chunker.chunk(`aratherlongwordofitsown${i}${megabyte}`)
  }
  expect(heapMegabytes() - before).toBeLessThan(texts / 4)
  await chunker.chunk('and the chunker is still here')
})
