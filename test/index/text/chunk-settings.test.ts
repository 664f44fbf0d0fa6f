import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkChunking, chunkingOf, chunkingTag, fitChunking } from '../../../src/index/text/chunk-settings.ts'
import { type Encoder, loadEncoder } from '../../../src/main.ts'

let encoder: Encoder
beforeAll(async () => {
  encoder = await loadEncoder()
})
afterAll(() => encoder.close())

test('settings are read back from a hash as they were asked for', () => {
  for (const chunk of [{}, { tokens: 200 }, { overlap: 0 }, { tokens: 200, overlap: 20 }, false] as const) {
    expect(chunkingOf(`0123abcd${chunkingTag(chunk)}`)).toEqual(chunk)
  }
  expect(chunkingTag({})).toBe('')
  expect(chunkingOf('a hash of others / 3-')).toEqual({})
})

test('what is not asked for is the encoder’s own, and what it cannot read is cut down', () => {
  expect(fitChunking({}, encoder)).toEqual({ tokens: 96, overlap: 9 })
  expect(fitChunking({ overlap: 0 }, encoder)).toEqual({ tokens: 96, overlap: 0 })
  expect(fitChunking({ tokens: 100_000, overlap: 99_000 }, encoder)).toEqual({ tokens: 512, overlap: 511 })
  expect(fitChunking(false, encoder)).toBe(false)
  expect(() => checkChunking({ tokens: 100_000 }, encoder)).toThrow('reads 512 tokens at most')
})
