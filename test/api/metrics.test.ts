import { expect, test } from 'vitest'
import { openApp } from '../support/api.ts'

test('metrics count requests, stages, errors and tokens by names that stay', async () => {
  const { call } = await openApp()
  await call('POST', '/v1/indexes', { name: 'docs' })
  await call('PUT', '/v1/indexes/docs/documents', { documents: [{ id: 'a', text: 'Asthma.' }] })
  await call('POST', '/v1/indexes/docs/search', { queries: ['asthma', 'lungs'] })
  await call('POST', '/v1/indexes/absent/search', { queries: ['asthma'] })
  await call('GET', '/nowhere/at/all')
  const { text, headers } = await call('GET', '/metrics')
  expect(headers.get('content-type')).toContain('text/plain')
  for (const line of [
    'qontrast_queue_tokens{model="default",work="search"} 0',
    'qontrast_queue_waiting{model="default",work="bulk"} 0',
    'qontrast_requests_total{method="POST",route="/v1/indexes/:index/search",status="200"} 1',
    'qontrast_requests_total{method="GET",route="none",status="404"} 1',
    'qontrast_errors_total{code="index-not-found"} 1',
    'qontrast_errors_total{code="not-found"} 1',
    'qontrast_batch_texts_count 2',
    'qontrast_batch_texts_sum 3',
  ])
    expect(text.split('\n')).toContain(line)
  for (const stage of ['body', 'encode', 'store'])
    expect(text).toMatch(new RegExp(`qontrast_stage_seconds_count{stage="${stage}"} [1-9]`))
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
  expect(text).not.toContain('asthma')
})
