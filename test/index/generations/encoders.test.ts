import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEncoders } from '../../../src/index/generations/encoders.ts'
import { generationNumber, indexNames, nextGeneration } from '../../../src/index/stores/names.ts'
import type { CollectionSchema } from '../../../src/index/stores/store.ts'
import { type Encoder, loadEncoder } from '../../../src/main.ts'
import { type Models, writeModels } from '../../support/static-models.ts'
import { temporaryFolder } from '../../support/temporary.ts'

let models: Models
let left: Encoder
beforeAll(async () => {
  models = await writeModels(await temporaryFolder())
  left = await loadEncoder(models.left)
})
afterAll(() => left.close())

const schemaOf = ({ name, fingerprint, dimensions }: Encoder): CollectionSchema => ({
  dimensions,
  encoder: { name, fingerprint },
  fields: {},
})

test('the given encoder is taken where it fits; others are loaded once, with their first dimensions only where it was so', async () => {
  await using right = await loadEncoder(models.right)
  await using part = await loadEncoder(models.right, { dimensions: 20 })
  const loads: object[] = []
  const encoders = createEncoders(left, (name, options) => {
    loads.push(options)
    return loadEncoder(name, options)
  })
  expect(await encoders.fitting('docs', schemaOf(left))).toBe(left)
  const [first, second] = await Promise.all([1, 2].map(() => encoders.fitting('docs', schemaOf(right))))
  expect(first).toBe(second)
  expect(first?.fingerprint).toBe(right.fingerprint)
  expect(loads).toEqual([{}])
  expect((await encoders.fitting('docs', schemaOf(part))).fingerprint).toBe(part.fingerprint)
  expect(loads).toEqual([{}, {}, { dimensions: 20 }])
  await encoders.close()
  await expect(first?.encode(['w1'])).rejects.toMatchObject({ code: 'closed' })
  expect((await left.encode(['w1'])).rows).toBe(1)
})

test('a model that is another one by now, or is gone, is refused with the command that helps', async () => {
  const encoders = createEncoders(left)
  const changed = { ...schemaOf(left), encoder: { name: models.right, fingerprint: 'f'.repeat(32) } }
  await expect(encoders.fitting('docs', changed)).rejects.toMatchObject({
    code: 'encoder-mismatch',
    message: expect.stringMatching(/another model.*qontrast reindex --index docs/s),
  })
  const gone = { ...changed, encoder: { name: './absent', fingerprint: 'f'.repeat(32) } }
  await expect(encoders.fitting('docs', gone)).rejects.toMatchObject({
    code: 'encoder-mismatch',
    message: expect.stringContaining('cannot be loaded here'),
  })
})

test('generations are numbered, and no name comes twice', () => {
  expect(nextGeneration('docs', 'docs.1')).toMatch(/^docs\.2-[0-9a-f]{6}$/)
  expect(nextGeneration('docs', 'docs.9-abcdef')).toMatch(/^docs\.10-[0-9a-f]{6}$/)
  expect(nextGeneration('docs', 'docs.1')).not.toBe(nextGeneration('docs', 'docs.1'))
  expect(['docs', 'docs.x', 'docsy.3', 'do.1'].map((name) => generationNumber('docs', name))).toEqual([0, 0, 0, 0])
})

test('indexes are listed by the names that open them', () => {
  const aliases = new Map([
    ['docs', 'docs.2-abcdef'],
    ['docs.previous', 'docs.1'],
    ['docs.next', 'docs.3-012345'],
    ['gone', 'gone.1'],
  ])
  const collections = ['docs.1', 'docs.2-abcdef', 'docs.3-012345', 'theirs', 'orphan.1']
  expect(indexNames(collections, aliases)).toEqual(['docs', 'orphan.1', 'theirs'])
})
