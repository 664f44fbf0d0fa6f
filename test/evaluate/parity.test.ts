import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Encoder, loadEncoder, readSimilarityData, similarityEvaluator } from '../../src/main.ts'
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
})
