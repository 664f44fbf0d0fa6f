import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Encoder, loadEncoder } from '../../src/embed/index.ts'
import { dot } from '../../src/shared/index.ts'
import { describeWithShared, sharedPath } from '../support/shared.ts'

describeWithShared('all-MiniLM-L6-v2', ['models', 'all-minilm-l6-v2'], (folder) => {
  let encoder: Encoder
  beforeAll(async () => {
    encoder = await loadEncoder(folder, { device: 'cpu' })
  })
  afterAll(() => encoder.close())

  const first = async (text: string) => (await encoder.encode([text])).row(0)

  test('gives the 100 reference vectors to 1e-5', async () => {
    const reference: { text: string; teacher_emb: number[] }[] = JSON.parse(
      await readFile(sharedPath('models', 'minilm-ref-embeddings', 'spearman_smoke_1k.json') ?? '', 'utf8'),
    )
    const vectors = await encoder.encode(reference.map(({ text }) => text))
    const differences = reference.flatMap(({ teacher_emb }, i) =>
      teacher_emb.map((x, d) => Math.abs(x - (vectors.row(i)[d] ?? 9))),
    )
    expect(reference).toHaveLength(100)
    expect(Math.max(...differences)).toBeLessThanOrEqual(1e-5)
  })

  test('gives a text one vector, whatever its batch mates, their order and the padding', async () => {
    const texts = [
      'a',
      'how is asthma treated?',
      'word '.repeat(40),
      '東京 is a city',
      '',
      'x'.repeat(500),
      'long '.repeat(400),
    ]
    const alone = await Promise.all(texts.map(first))
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...texts.keys()], { minLength: 1 }), async (order) => {
        const vectors = await encoder.encode(order.map((i) => texts[i] ?? ''))
        for (const [row, i] of order.entries()) {
          const worst = Math.max(...vectors.row(row).map((x, d) => Math.abs(x - (alone[i]?.[d] ?? 9))))
          expect(worst).toBeLessThanOrEqual(1e-6)
        }
      }),
      { numRuns: 10, seed: 1 },
    )
  })

  test('gives unit length, also to texts without a word', async () => {
    const vectors = await encoder.encode(['', ' ', '\0', '\ud800', '🧪', 'plain'])
    for (let i = 0; i < vectors.rows; i++) expect(dot(vectors.row(i), vectors.row(i))).toBeCloseTo(1, 5)
  })

  test('cuts a text of a megabyte to its maximum', async () => {
    const words = 'lorem ipsum dolor sit amet '
    expect(await first(words.repeat(40_000))).toEqual(await first(words.repeat(200)))
    expect(encoder.text?.maximumTokens).toBe(254)
    expect(encoder.text?.countTokens(words.repeat(2))).toBeGreaterThan(10)
  })

  test('merges concurrent calls and keeps each answer in its own order', async () => {
    const calls = Array.from({ length: 20 }, (_, call) => [`call ${call} one`, `call ${call} two with more words`])
    const together = await Promise.all(calls.map((texts) => encoder.encode(texts)))
    for (const [call, texts] of calls.entries()) {
      const alone = await encoder.encode(texts)
      expect(dot(together[call]?.row(1) ?? new Float32Array(), alone.row(1))).toBeCloseTo(1, 5)
    }
  })

  test('lets a query overtake documents that wait', async () => {
    const order: string[] = []
    const { promise: begun, resolve: onProgress } = Promise.withResolvers<unknown>()
    const documents = encoder
      .encode(Array(64).fill('some words of a document '.repeat(40)), { onProgress })
      .then(() => order.push('documents'))
    await begun // the first batch is done, the others are under way or wait
    await encoder.encode(['a query'], { purpose: 'query' }).then(() => order.push('query'))
    await documents
    expect(order).toEqual(['query', 'documents'])
  })

  test('reports progress up to the last text', async () => {
    const seen: number[] = []
    await encoder.encode(['a', 'b', 'c'], { onProgress: ({ done, total }) => seen.push(done, total ?? 0) })
    expect(seen).toEqual([1, 3, 2, 3, 3, 3])
  })

  test('stops at its signal and works on afterwards', async () => {
    const controller = new AbortController()
    const call = encoder.encode(Array(200).fill('some words of a document '.repeat(40)), {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    })
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    expect((await encoder.encode(['after'])).rows).toBe(1)
  })

  test('leaves the event loop free while it encodes', async () => {
    const turns: number[] = []
    const timer = setInterval(() => turns.push(performance.now()), 1)
    await encoder.encode(Array(64).fill('some words of a document '.repeat(40)))
    clearInterval(timer)
    expect(turns.length).toBeGreaterThan(10) // the loop turned many times during the call: nothing of it ran here
  })

  test('refuses what is no text, naming its position', async () => {
    // @ts-expect-error: a caller without types
    await expect(encoder.encode(['a', 3])).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('input 1'),
    })
    // @ts-expect-error: a caller without types
    await expect(encoder.encode('a')).rejects.toMatchObject({ code: 'invalid-input' })
  })

  test('cuts dimensions and normalises again', async () => {
    const whole = await first('how is asthma treated?')
    await using short = await loadEncoder(folder, { device: 'cpu', dimensions: 128 })
    const vector = (await short.encode(['how is asthma treated?'])).row(0)
    const norm = Math.hypot(...whole.slice(0, 128))
    expect(vector.length).toBe(128)
    expect(short.fingerprint).not.toBe(encoder.fingerprint)
    for (const [d, x] of vector.entries()) expect(x).toBeCloseTo((whole[d] ?? 9) / norm, 5)
    await expect(loadEncoder(folder, { device: 'cpu', dimensions: 385 })).rejects.toMatchObject({
      code: 'invalid-option',
    })
  })

  test.runIf(process.platform === 'linux')(
    'an inference process that is killed in the middle costs no text',
    async () => {
      const texts = Array.from({ length: 120 }, (_, i) => `text number ${i} `.repeat(30))
      const expected = await encoder.encode(texts)
      await using other = await loadEncoder(folder, { device: 'cpu' })
      const before = childPids()
      let killed = false
      const onProgress = () => {
        if (!killed) process.kill(Math.max(...before), 'SIGKILL')
        killed = true
      }
      const vectors = await other.encode(texts, { onProgress })
      expect(Math.max(...vectors.data.map((x, i) => Math.abs(x - (expected.data[i] ?? 9))))).toBeLessThanOrEqual(1e-6)
      expect(childPids()).not.toEqual(before)
    },
  )

  test('a device that is not there is told as such', async () => {
    await expect(loadEncoder(folder, { device: 'coreml' })).rejects.toMatchObject({
      code: 'device-unavailable',
      message: expect.stringContaining("'cpu'"),
    })
  })

  test('rejects calls after close', async () => {
    const closed = await loadEncoder(folder, { device: 'cpu' })
    await closed.close()
    await expect(closed.encode(['a'])).rejects.toMatchObject({ code: 'closed' })
  })

  test('close rejects what still waits', async () => {
    const closing = await loadEncoder(folder, { device: 'cpu' })
    const onProgress = () => void closing.close()
    const call = closing.encode(Array(64).fill('some words of a document '.repeat(40)), { onProgress })
    await expect(call).rejects.toMatchObject({ code: 'closed' })
  })
})

/** Process ids of this process's children. */
function childPids(): number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number)
}
