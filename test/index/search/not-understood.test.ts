import path from 'node:path'
import { expect, test } from 'vitest'
import { loadEncoder, openIndex } from '../../../src/main.ts'
import { writeModels } from '../../support/static-models.ts'
import { temporaryFolder } from '../../support/temporary.ts'

test('a document or query that the encoder understands nothing of is found by its words only', async () => {
  const folder = await temporaryFolder()
  await using encoder = await loadEncoder((await writeModels(folder)).left)
  await using index = await openIndex({ name: 'docs', path: path.join(folder, 'store'), encoder })
  const report = await index.add([
    { id: 'known', text: 'w1 w2 w3' },
    { id: 'unknown', text: 'zebra crossing' },
  ])
  expect(report).toMatchObject({ added: 2, failedCount: 0 })

  const ids = (hits: readonly { id: string }[]) => hits.map(({ id }) => id)
  expect(ids(await index.search('zebra', { mode: 'hybrid' }))).toEqual(['unknown'])
  expect(ids(await index.search('zebra', { mode: 'bm25' }))).toEqual(['unknown'])
  expect(ids(await index.search('w1 zebra', { mode: 'hybrid' })).sort()).toEqual(['known', 'unknown'])
  expect(ids(await index.search('w1', { mode: 'dense' }))).toEqual(['known'])
  await expect(index.search('🧪', { mode: 'dense' })).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringContaining('understands nothing'),
  })
})
