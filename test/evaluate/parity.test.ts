import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Encoder,
  loadEncoder,
  readRetrievalData,
  readSimilarityData,
  similarityEvaluator,
} from '../../src/main.ts'
import { describeWithShared, sharedPath } from '../support/shared.ts'

describeWithShared('figures of all-MiniLM-L6-v2', ['models', 'all-minilm-l6-v2'], (folder) => {
  let encoder: Encoder
  beforeAll(async () => {
    encoder = await loadEncoder(folder, { device: 'cpu' })
  })
  afterAll(() => encoder.close())

  test.runIf(sharedPath('data', 'stsb'))('STS-B is 0.8203, as with sentence-transformers', async () => {
    const { spearman } = await similarityEvaluator(await readSimilarityData(sharedPath('data', 'stsb') ?? ''))(encoder)
    expect(spearman).toBeCloseTo(0.8203, 3)
  })

  test.runIf(sharedPath('data', 'scifact'))(
    'the first 100 documents of SciFact have the vectors of sentence-transformers to 1e-5',
    async () => {
      const { documents } = await readRetrievalData(sharedPath('data', 'scifact') ?? '')
      const stored = await readFile(path.join(import.meta.dirname, '../fixtures/scifact-300.f32'))
      const vectors = await encoder.encode(
        [...documents.values()].slice(0, 100).map(({ title, text }) => `${title} ${text}`),
      )
      let worst = 0
      vectors.data.forEach((x, i) => {
        worst = Math.max(worst, Math.abs(x - stored.readFloatLE(i * 4)))
      })
      expect(stored.length).toBe(300 * 384 * 4)
      expect(worst).toBeLessThanOrEqual(1e-5)
    },
  )
})
