import path from 'node:path'
import { expect, test } from 'vitest'
import { startFaultyProxy } from './faulty-proxy.ts'
import { readRecording, record, replay } from './recording.ts'
import { temporaryFolder } from './temporary.ts'

const ask = async (url: string, body: object) => {
  const response = await fetch(`${url}/collections/docs/points/count`, { method: 'POST', body: JSON.stringify(body) })
  return { status: response.status, answer: await response.json() }
}

test('a recording answers what was asked, in order and whatever the order of keys, and fails the test on anything else', async () => {
  const file = path.join(await temporaryFolder(), 'counts.jsonl.br')
  const server = await startFaultyProxy('')
  server.faults.push(
    { status: 200, body: { result: { count: 1 }, time: 0.5 } },
    { status: 200, body: { result: { count: 2 }, time: 0.7 } },
    { status: 404, body: { status: { error: 'absent' } } },
  )
  const recorder = await record(server.url, '1.2.3', file)
  recorder.begin('one')
  await ask(recorder.url, { a: 1, b: 2 })
  await ask(recorder.url, { b: 2, a: 1 })
  recorder.begin('two')
  await ask(recorder.url, { a: 1, b: 2 })
  recorder.save()
  await recorder.close()
  await server.stop()

  const recording = readRecording(file)
  if (!recording) throw new Error('nothing was recorded')
  expect(recording).toMatchObject({ server: 'Qdrant 1.2.3', recorded: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) })
  const player = await replay(recording)
  player.begin('two')
  expect(await ask(player.url, { b: 2, a: 1 })).toEqual({ status: 404, answer: { status: { error: 'absent' } } })
  player.begin('one')
  expect(await ask(player.url, { b: 2, a: 1 })).toEqual({ status: 200, answer: { result: { count: 1 }, time: 0 } })
  expect(await ask(player.url, { a: 1, b: 2 })).toMatchObject({ answer: { result: { count: 2 } } })
  player.end()
  expect((await ask(player.url, { a: 1, b: 2 })).status).toBe(418)
  expect((await ask(player.url, { a: 1, b: 3 })).status).toBe(418)
  expect(() => player.end()).toThrow(/not in the recording[\s\S]*"b":3/)
  await player.close()
})
