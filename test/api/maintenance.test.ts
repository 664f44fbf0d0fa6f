import { expect, test } from 'vitest'
import { lancedb } from '../../src/main.ts'
import { openApp } from '../support/api.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('puts are followed by maintenance in the background, which metrics tell of', async () => {
  await using store = lancedb({ path: await temporaryFolder() })
  const { call } = await openApp({ store })
  await call('POST', '/v1/indexes', { name: 'docs' })
  const merged = new Promise<void>((resolve) => store.onMaintenance?.(({ kind }) => kind === 'merge' && resolve()))
  const put = await call('PUT', '/v1/indexes/docs/documents', {
    documents: Array.from({ length: 80 }, (_, i) => ({ id: `d${i}`, text: `Document ${i}.` })),
  })
  expect(put.body).toMatchObject({ added: 80 })
  await merged
  const { text } = await call('GET', '/metrics')
  expect(text).toMatch(/^qontrast_maintenance_seconds_count\{collection="docs\.1"\} [1-9]/m)
  expect(text).toContain('qontrast_collection_parts{collection="docs.1",part="unindexed"} 0\n')
  expect(text).toContain('qontrast_collection_parts{collection="docs.1",part="points"} 80\n')
})
