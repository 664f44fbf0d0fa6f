import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Document, type Encoder, loadEncoder, openIndex, reportOf, type SearchIndex } from '../../../src/main.ts'
import { dot } from '../../../src/shared/index.ts'
import { writeModels } from '../../support/static-models.ts'
import { temporaryFolder } from '../../support/temporary.ts'

let encoder: Encoder
let index: SearchIndex
beforeAll(async () => {
  encoder = await loadEncoder()
})
afterAll(() => encoder.close())
beforeEach(async () => {
  index = await openIndex({ name: 'docs', encoder, path: await temporaryFolder() })
  return () => index.close()
})

test('ids that JSON cannot write, and sections or payloads that are none, fail their document only', async () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  const bad: unknown[] = [
    { id: 2 ** 53, text: 'x' },
    { id: cycle, text: 'x' },
    { id: 'a', text: 'x', sections: [null] },
    { id: 'b', text: 'x', sections: {} },
    { id: 'c', text: 'some text', sections: [{ start: 5 }, { start: 0 }] },
    { id: 'd', text: 'some text', sections: [{ start: 10 }] },
    { id: 'e', text: 'ab 🧪', sections: [{ start: 4 }] },
    { id: 'f', text: 'x', sections: [{ start: 0, line: 'one' }] },
    { id: 'g', text: 'x', payload: { toJSON: () => 5 } },
  ]
  // @ts-expect-error: callers without types
  const report = await index.add([{ id: 'first', text: 'x' }, ...bad, { id: 'last', text: 'x' }])
  expect(report).toMatchObject({ added: 2, failedCount: bad.length })
  expect(report.failed.map(({ code }) => code)).toEqual(bad.map(() => 'invalid-input'))
  expect(report.failed.map(({ id }) => id).slice(0, 3)).toEqual([
    '(9007199254740992)',
    expect.stringContaining('Circular'),
    'a',
  ])
})

test('numbers and BigInts become ids by their digits, and titles and payloads keep what they say', async () => {
  const given: unknown[] = [
    { id: 7, text: 'x', title: 3 },
    { id: 12345678901234567890n, text: 'x', title: true },
    { id: 1.5, text: 'x', payload: { small: 1n, large: [12345678901234567890n] } },
  ]
  // @ts-expect-error: callers without types
  expect(await index.add(given)).toMatchObject({ added: 3, failedCount: 0 })
  expect(await index.get(['7', '12345678901234567890', '1.5'])).toMatchObject([
    { id: '7', title: '3' },
    { id: '12345678901234567890', title: 'true' },
    { payload: { small: 1, large: ['12345678901234567890'] } },
  ])
})

test.each([[{ id: 'a', text: 'x' }], [undefined], [null], ['text'], [7]])(
  'what is no list of documents is refused before anything is made: %j',
  async (documents) => {
    // @ts-expect-error: callers without types
    await expect(index.add(documents)).rejects.toMatchObject({ code: 'invalid-input' })
    await expect(index.info()).rejects.toMatchObject({ code: 'index-not-found' })
  },
)

test('a signal ends the waiting for a source that gives nothing', async () => {
  const controller = new AbortController()
  async function* waiting(): AsyncGenerator<Document> {
    yield { id: 'a', text: 'x' }
    controller.abort()
    await new Promise(() => {})
  }
  await expect(index.add(waiting(), { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
})

test('a source is closed when the store fails', async () => {
  let closed = false
  function* source() {
    try {
      for (let i = 0; ; i++) yield { id: `d${i}`, text: 'x' }
    } finally {
      closed = true
    }
  }
  const stop = () => {
    throw new Error('the caller has had enough')
  }
  await expect(index.add(source(), { onProgress: stop })).rejects.toThrow('enough')
  expect(closed).toBe(true)
})

test('a title longer than a chunk leaves room for the text', async () => {
  const title = 'a title of many words '.repeat(200)
  await index.add([
    { id: 'asthma', title, text: 'Inhalers treat asthma.' },
    { id: 'law', title, text: 'The constitution and the law.' },
  ])
  const [first, second] = await index.search('Inhalers treat asthma.', { mode: 'dense' })
  expect(first?.id).toBe('asthma')
  expect(first?.title).toBe(title)
  expect(first?.score).toBeGreaterThan(second?.score ?? 0)
})

test('a passage is embedded below its title', async () => {
  await index.add([{ id: 'a', title: 'Asthma', text: 'Use an inhaler.' }])
  const both = await encoder.encode(['Asthma\nUse an inhaler.', 'inhaler'])
  const [hit] = await index.search({ vector: both.row(1) })
  expect(hit?.score).toBeCloseTo(dot(both.row(0), both.row(1)), 3)
})

test('a megabyte of lines is stored with the line of every chunk, and comes back', async () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `This is what line ${i + 1} says.`).join('\n')
  const document = { id: 'lines', text, payload: {}, sections: [{ start: 0, line: 1 }] }
  await index.add([document])
  expect(await index.get('lines')).toEqual(document)
  const hits = await index.search('what line says', { groupBy: 'chunk', limit: 50 })
  expect(hits).toHaveLength(50)
  for (const { start, line } of hits) expect(line).toBe(text.slice(0, start).split('\n').length)
})

test('a document keeps its sections, and hits say heading, page and line', async () => {
  const text = 'Before all.\n\n# One\nFirst part.\n# Two\n\nSecond part.'
  const sections = [
    { start: 13, heading: 'One', line: 3 },
    { start: 31, heading: 'Two', line: 5, page: 2 },
  ]
  await index.add([{ id: 'a', text, payload: {}, sections }])
  expect(await index.get('a')).toEqual({ id: 'a', text, payload: {}, sections })
  const hits = await index.search('Second part', { groupBy: 'chunk' })
  const places = hits.map(({ start, heading, line, page }) => ({ start, heading, line, page }))
  expect(places.sort((a, b) => a.start - b.start)).toEqual([
    { start: 0, heading: undefined, line: undefined, page: undefined },
    { start: 13, heading: 'One', line: 3, page: undefined },
    { start: 31, heading: 'Two', line: 5, page: 2 },
  ])
})

test('a document that a broken model gives NaN for fails alone', async () => {
  const model = await temporaryFolder()
  const header = JSON.stringify({ embeddings: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] } }).padEnd(96)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(96n)
  const values = Buffer.from(new Float32Array([0.5, 1, Number.NaN, 1]).buffer)
  await writeFile(path.join(model, 'model.safetensors'), Buffer.concat([length, Buffer.from(header), values]))
  const tokenizer = {
    model: { type: 'WordLevel', vocab: { good: 0, bad: 1 }, unk_token: 'good' },
    pre_tokenizer: { type: 'Whitespace' },
    normalizer: null,
    post_processor: null,
    decoder: null,
    added_tokens: [],
  }
  await writeFile(path.join(model, 'tokenizer.json'), JSON.stringify(tokenizer))

  await using broken = await loadEncoder(model)
  await using docs = await openIndex({ name: 'docs', encoder: broken, path: await temporaryFolder() })
  const report = await docs.add(['good', 'bad', 'good good'].map((text) => ({ id: text, text })))
  expect(report).toMatchObject({ added: 2, failed: [{ id: 'bad', reason: expect.stringContaining('NaN') }] })
  expect(await docs.count()).toBe(2)
})

const paragraphs = Array.from({ length: 40 }, (_, i) =>
  `Paragraph ${i} says what number ${i * i} has to do with health. `.repeat(4),
)
const long = (change: (parts: string[]) => string[] = (parts) => parts) => ({
  id: 'long',
  title: 'Numbers',
  text: change([...paragraphs]).join('\n\n'),
})

test('a change of payload embeds nothing, a changed sentence only the chunks around it', async () => {
  const first = await index.add([long()])
  expect(first).toMatchObject({ added: 1, embedded: first.chunks, reused: 0 })
  expect(first.chunks).toBeGreaterThan(20)
  const labelled = await index.add([{ ...long(), payload: { label: 'new' } }])
  expect(labelled).toMatchObject({ updated: 1, embedded: 0, reused: first.chunks })
  const edited = long((parts) => parts.with(20, `One more sentence. ${parts[20]}`))
  const report = await index.add([edited])
  expect(report.embedded).toBeLessThan(8)
  expect(report.reused + report.embedded).toBe(report.chunks)

  await using fresh = await openIndex({ name: 'docs', encoder, path: await temporaryFolder() })
  await fresh.add([edited])
  const ask = (from: SearchIndex) => from.search('number 400', { limit: 5, mode: 'dense', groupBy: 'chunk' })
  const [kept, anew] = [await ask(index), await ask(fresh)]
  expect(kept.map(({ passage }) => passage)).toEqual(anew.map(({ passage }) => passage))
  for (const [i, { score }] of kept.entries()) expect(score).toBeCloseTo(anew[i]?.score ?? 0, 5)
})

test('another title embeds every chunk anew; a document that replaces another takes over its vectors', async () => {
  const { chunks } = await index.add([long()])
  expect(await index.add([{ ...long(), title: 'Figures' }])).toMatchObject({ updated: 1, embedded: chunks, reused: 0 })
  await index.add([long()])
  const moved = { ...long(), id: 'moved', replaces: 'long' }
  expect(await index.add([moved])).toMatchObject({ added: 0, updated: 1, embedded: 0, reused: chunks })
  expect(await index.get(['long', 'moved'])).toMatchObject([undefined, { id: 'moved' }])
  expect(await index.add([moved])).toMatchObject({ unchanged: 1 })
})

test('stopped, add keeps what was embedded, and its error tells the report', async () => {
  const controller = new AbortController()
  function* source() {
    for (let i = 0; ; i++) yield { id: `d${i}`, text: `Document ${i} is one of many.` }
  }
  const onProgress = ({ documents }: { documents: number }) => {
    if (documents > 0) controller.abort()
  }
  const error = await index.add(source(), { signal: controller.signal, onProgress }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'aborted' })
  expect(reportOf(error)?.added).toBeGreaterThan(0)
  expect(reportOf(error)?.added).toBe(await index.count())
})

test('a search notices that its index was dropped and made anew with another encoder', async () => {
  const folder = await temporaryFolder()
  const models = await writeModels(folder)
  await using left = await loadEncoder(models.left)
  await using right = await loadEncoder(models.right)
  await using one = await openIndex({ name: 'words', encoder: left, path: folder })
  await one.add([{ id: 'a', text: 'w1 w2' }])
  expect(await one.search('w1')).toHaveLength(1)
  await using other = await openIndex({ name: 'words', encoder: left, path: folder })
  await other.drop()
  await using anew = await openIndex({ name: 'words', encoder: right, path: folder })
  await anew.add([{ id: 'a', text: 'w1 w2' }])
  await expect(one.search('w1')).rejects.toMatchObject({ code: 'encoder-mismatch' })
})

test('a large payload is not copied into each passage of a long text', async () => {
  const payload = { note: 'x'.repeat(100_000) }
  const report = await index.add([
    { id: 'both', text: 'Asthma is treated. '.repeat(20_000), payload },
    { id: 'payload', text: 'Asthma is treated.', payload },
    { id: 'text', text: 'Asthma is treated. '.repeat(1_000), payload: { note: 'x' } },
  ])
  expect(report).toMatchObject({ added: 2, failed: [{ id: 'both', code: 'invalid-input' }] })
  expect(report.failed[0]?.reason).toContain('each passage')
})
