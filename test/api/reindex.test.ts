import { expect, test, vi } from 'vitest'
import { lancedb, loadEncoder } from '../../src/main.ts'
import { bundled, openApp } from '../support/api.ts'
import { temporaryFolder } from '../support/temporary.ts'

const base = '/v1/indexes/docs'

test('an index goes to another model and back over HTTP, searched all the while', async () => {
  await using store = lancedb({ path: await temporaryFolder() })
  await using small = await loadEncoder('default', { dimensions: 64 })
  const encoders = { default: await bundled(), small }
  const { app, call } = await openApp({ indexes: { store, encoders } })
  await call('POST', '/v1/indexes', { name: 'docs' })
  const documents = Array.from({ length: 300 }, (_, i) => ({
    id: `${i}`,
    text: `Document ${i} is about asthma and ticks.`,
  }))
  expect((await call('PUT', `${base}/documents`, { documents })).body.added).toBe(300)
  expect(await call('GET', `${base}/reindex`)).toMatchObject({ status: 404, body: { code: 'not-found' } })
  expect((await call('POST', `${base}/reindex`, { model: 'absent' })).body.code).toBe('model-not-found')

  let searches = 0
  let stop = false
  const searching = (async () => {
    while (!stop) {
      const answer = await call('POST', `${base}/search`, { queries: ['asthma', { id: '7' }], mode: 'dense' })
      expect([answer.status, answer.body.results?.[0].hits.length]).toEqual([200, 10])
      searches += 1
    }
  })()
  expect(await call('POST', `${base}/reindex`, { model: 'small' })).toMatchObject({
    status: 202,
    body: { status: 'running' },
  })
  expect((await call('POST', `${base}/reindex`, { model: 'small' })).body.code).toBe('already-exists')
  const events = await (await app.request(`${base}/reindex/events`)).text()
  const states = [...events.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ''))
  expect(states.at(-1)).toMatchObject({ status: 'done', report: { documents: 300, chunks: 300 }, model: 'small' })
  expect(states.some(({ progress }) => progress?.total === 300)).toBe(true)
  expect((await call('GET', base)).body).toMatchObject({ model: 'small', dimensions: 64, documents: 300 })
  expect((await call('GET', '/v1/indexes')).body.indexes).toHaveLength(1)

  expect(
    (await call('PUT', `${base}/documents`, { documents: [{ id: 'new', text: 'Written since.' }] })).body.added,
  ).toBe(1)
  expect((await call('POST', `${base}/reindex/rollback`, {})).status).toBe(202)
  await vi.waitFor(
    async () => expect((await call('GET', `${base}/reindex`)).body).toMatchObject({ kind: 'rollback', status: 'done' }),
    20_000,
  )
  expect((await call('GET', base)).body).toMatchObject({ model: 'default', dimensions: 256, documents: 301 })
  stop = true
  await searching
  expect(searches).toBeGreaterThan(1)
  expect((await call('POST', `${base}/reindex/drop-old`, {})).body.dropped).toMatch(/^docs\.2/)
  expect((await call('POST', `${base}/reindex/drop-old`, {})).body.dropped).toBeNull()
})

test('a job that fails says why', async () => {
  const { call } = await openApp()
  await call('POST', '/v1/indexes', { name: 'docs' })
  await call('POST', `${base}/reindex/rollback`, {})
  await vi.waitFor(async () => expect((await call('GET', `${base}/reindex`)).body.status).toBe('failed'))
  expect((await call('GET', `${base}/reindex`)).body.failure).toMatchObject({
    code: 'invalid-option',
    reason: expect.stringContaining('no generation to go back to'),
  })
})
