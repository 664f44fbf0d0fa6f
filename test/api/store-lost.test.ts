import { expect, test, vi } from 'vitest'
import { qdrant } from '../../src/main.ts'
import { openApp } from '../support/api.ts'
import { qdrantProgram, startQdrant } from '../support/qdrant-server.ts'

const program = qdrantProgram()
if (!program) console.log('skipped: a Qdrant server killed under the HTTP server: there is no qdrant on PATH')

test.skipIf(!program)(
  'a store on a server that is killed and comes back: 503, then served again',
  async () => {
    const server = await startQdrant(program ?? '')
    try {
      await using store = qdrant({ url: server.url })
      const { call } = await openApp({ store })
      const search = () => call('POST', '/v1/indexes/docs/search', { queries: ['asthma'] })
      expect((await call('POST', '/v1/indexes', { name: 'docs' })).status).toBe(201)
      await call('PUT', '/v1/indexes/docs/documents', { documents: [{ id: 'a', text: 'Asthma is treated.' }] })
      expect((await search()).body.results[0].hits[0].id).toBe('a')

      await server.kill()
      const lost = await search()
      expect(lost).toMatchObject({ status: 503, body: { code: 'store-unavailable' } })
      expect(lost.text).not.toContain(server.url)
      expect(Number(lost.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(
        (await call('PUT', '/v1/indexes/docs/documents', { documents: [{ id: 'b', text: 'Ticks.' }] })).status,
      ).toBe(503)
      expect(await call('GET', '/health/ready')).toMatchObject({ status: 503, body: { store: 'failed' } })

      await server.start()
      expect((await search()).body.results[0].hits[0].id).toBe('a')
      await vi.waitFor(async () => expect((await call('GET', '/health/ready')).status).toBe(200), 10_000)
    } finally {
      await server.close()
    }
  },
  120_000,
)
