import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  and,
  type Document,
  type Encoder,
  eq,
  listIndexes,
  loadEncoder,
  openIndex,
  type SearchIndex,
} from '../../src/main.ts'
import { temporaryFolder } from '../support/temporary.ts'

const documents: Document[] = [
  {
    id: 'asthma',
    title: 'Asthma',
    text: 'Asthma is treated with inhaled corticosteroids and bronchodilators.',
    payload: { source: 'NHLBI', year: 2001 },
  },
  {
    id: 'iron',
    title: 'Hemochromatosis',
    text: 'Too much iron in the blood is removed by drawing blood.',
    payload: { source: 'NHLBI', year: 2010 },
  },
  {
    id: 'tick',
    title: 'Tick bites',
    text: 'Ticks transmit Lyme disease. Remove the tick with tweezers.',
    payload: { source: 'CDC', year: 2015 },
  },
  { id: 'ünï', title: 'Øye', text: '東京の病院で治療を受けた。', payload: { source: "it's" } },
]

let encoder: Encoder
let folder: string
let index: SearchIndex
beforeAll(async () => {
  encoder = await loadEncoder()
})
afterAll(() => encoder.close())
beforeEach(async () => {
  folder = await temporaryFolder()
  index = await openIndex({ name: 'docs', encoder, path: folder })
  return () => index.close()
})

const ids = (hits: readonly { id: string }[]) => hits.map(({ id }) => id)

describe('add', () => {
  test('reports what was added, updated and left alone', async () => {
    expect(await index.add(documents)).toMatchObject({
      added: 4,
      updated: 0,
      unchanged: 0,
      failed: [],
      failedCount: 0,
      chunks: 4,
    })
    expect(await index.add(documents)).toMatchObject({ added: 0, updated: 0, unchanged: 4, chunks: 0 })
    const changed = documents.map((document) =>
      document.id === 'tick' ? { ...document, text: 'A new text about ticks.' } : document,
    )
    expect(await index.add(changed)).toMatchObject({ added: 0, updated: 1, unchanged: 3 })
    expect((await index.get('tick'))?.text).toBe('A new text about ticks.')
    expect(
      await index.add([{ ...documents[0], id: 'asthma', text: documents[0]?.text ?? '', payload: { source: 'new' } }]),
    ).toMatchObject({ updated: 1 })
    expect(await index.count({ source: 'new' })).toBe(1)
  })

  test('one bad document never loses the others, and each says why', async () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const bad: unknown[] = [
      { id: 'empty', text: '' },
      { id: 'blank', text: ' \n ' },
      { id: '', text: 'x' },
      { id: 'x'.repeat(10_000), text: 'x' },
      { id: Number.NaN, text: 'x' },
      { id: 'none' },
      { id: 'title', text: 'x', title: {} },
      { id: 'payload', text: 'x', payload: [1] },
      { id: 'number', text: 'x', payload: { size: Number.NaN } },
      { id: 'cycle', text: 'x', payload: cycle },
      null,
      'text',
    ]
    // @ts-expect-error: callers without types
    const report = await index.add([documents[0], ...bad, documents[1]])
    expect(report.added).toBe(2)
    expect(report.failedCount).toBe(bad.length)
    expect(report.failed.map(({ code }) => code)).toEqual(bad.map(() => 'invalid-input'))
    expect(report.failed.map(({ reason }) => reason).slice(0, 4)).toEqual([
      'text is empty.',
      'text is empty.',
      expect.stringContaining('not empty'),
      expect.stringContaining('10000 bytes'),
    ])
    expect(await index.count()).toBe(2)
  })

  test('a declared field of another type fails its document only', async () => {
    await using typed = await openIndex({ name: 'typed', encoder, path: folder, fields: { year: 'number' } })
    const report = await typed.add([
      { id: 'a', text: 'x', payload: { year: 2001 } },
      { id: 'b', text: 'x', payload: { year: 'old' } },
      { id: 'c', text: 'x' },
    ])
    expect(report).toMatchObject({ added: 2, failedCount: 1 })
    await expect(typed.search('x', { filter: { year: 'old' } })).rejects.toMatchObject({ code: 'invalid-filter' })
    expect(await typed.count({ year: { gte: 2000 } })).toBe(1)
  })

  test('any text comes back as it was put, whatever its characters', async () => {
    const strings = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })
    const odd = [
      '\0',
      '\ud800',
      'a\ud800b',
      '\u2028',
      "' OR 1=1 --",
      '🧪'.repeat(50),
      'line\nline\n\n\nline',
      'x'.repeat(5_000),
    ]
    const texts = [...odd, ...fc.sample(strings, { numRuns: 80, seed: 9 })].map((text) => `word ${text}`)
    const put = texts.map((text, i) => ({
      id: `${i} ${text.slice(0, 50)}`,
      title: text.slice(0, 30),
      text,
      payload: { [text.slice(5, 20)]: text },
    }))
    const report = await index.add(put)
    expect(report).toMatchObject({ added: put.length, failedCount: 0 })
    for (const document of put) expect(await index.get(document.id)).toEqual(document)
  })

  test('a document put again with fewer chunks leaves none behind', async () => {
    const long = 'Some sentence about nothing in particular. '.repeat(200)
    await index.add([
      { id: 'a', text: long },
      { id: 'a#1', text: 'a neighbour by name' },
    ])
    const many = (await index.info()).points
    expect(many).toBeGreaterThan(5)
    expect((await index.get('a'))?.text).toBe(long)
    await index.add([{ id: 'a', text: 'short' }])
    expect((await index.info()).points).toBe(2)
    expect((await index.get('a'))?.text).toBe('short')
    expect((await index.get('a#1'))?.text).toBe('a neighbour by name')
  })

  test('with chunk: false texts over the maximum are kept whole and counted', async () => {
    const long = 'Some sentence about nothing in particular. '.repeat(200)
    const report = await index.add(
      [
        { id: 'a', text: long },
        { id: 'b', text: 'short' },
      ],
      { chunk: false },
    )
    expect(report).toMatchObject({ added: 2, cut: 1, chunks: 2 })
    expect((await index.get('a'))?.text).toBe(long)
  })

  test('of a repeated id the first counts, within a batch and across batches, and the others name both places', async () => {
    const many = Array.from({ length: 600 }, (_, i) => ({
      id: `d${i % 300}`,
      text: `version ${Math.floor(i / 300)} of ${i % 300}`,
    }))
    const few = await index.add([
      { id: 'd0', text: 'first' },
      { id: 'd0', text: 'second' },
    ])
    expect(few).toMatchObject({ added: 1, failed: [{ id: 'd0', code: 'invalid-input' }] })
    expect(few.failed[0]?.reason).toContain('documents 1 and 2 of this call have the same id')
    expect((await index.get('d0'))?.text).toBe('first')
    const report = await index.add(many)
    expect(report).toMatchObject({ added: 299, updated: 1, failedCount: 300 })
    expect(report.failed[299]?.reason).toContain('documents 300 and 600')
    expect(await index.count()).toBe(300)
    expect((await index.get('d299'))?.text).toBe('version 0 of 299')
    expect(await index.add([{ id: 'd299', text: 'another call' }])).toMatchObject({ updated: 1 })
  })

  test('reads a source without end only a few batches ahead, and stops at its signal with all that was reported', async () => {
    const controller = new AbortController()
    let read = 0
    async function* endless() {
      for (;;) yield { id: `d${read++}`, text: `document number ${read} of a source without end` }
    }
    let reported = 0
    const call = index.add(endless(), {
      signal: controller.signal,
      onProgress: ({ documents: stored }) => {
        reported = stored
        if (stored > 5_000) controller.abort()
      },
    })
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    expect(reported).toBeGreaterThan(5_000)
    expect(read - reported).toBeLessThan(2_000) // no more than the batches on their way
    expect(await index.count()).toBeGreaterThanOrEqual(reported)
    expect(await index.add([{ id: 'after', text: 'it goes on' }])).toMatchObject({ added: 1 })
  })

  test('a source that throws ends with its own error, and what came before is stored', async () => {
    function* failing() {
      for (let i = 0; i < 300; i++) yield { id: `d${i}`, text: `text ${i}` }
      throw new Error('the source broke')
    }
    await expect(index.add(failing())).rejects.toThrow('the source broke')
    expect(await index.count()).toBe(300)
  })

  test('a text of a megabyte is stored whole and found at its end', async () => {
    const text = `${'some words of a long document. '.repeat(34_000)}The last sentence names a platypus.`
    expect(text.length).toBeGreaterThan(1e6)
    expect(await index.add([{ id: 'long', text }, ...documents])).toMatchObject({ added: 5, failedCount: 0 })
    expect((await index.get('long'))?.text).toBe(text)
    const [hit] = await index.search('platypus', { mode: 'bm25' })
    expect(hit?.passage).toContain('platypus')
    expect(text.slice(hit?.start, hit?.end)).toBe(hit?.passage)
  })

  test('settings of chunks are checked', async () => {
    for (const chunk of [{ tokens: 0 }, { tokens: 1.5 }, { tokens: 10, overlap: 10 }, { tokens: 100_000 }]) {
      await expect(index.add(documents, { chunk })).rejects.toMatchObject({ code: 'invalid-option' })
    }
  })
})

describe('search', () => {
  beforeEach(async () => {
    await index.add(documents)
  })

  test('finds by meaning and by words, in every mode', async () => {
    for (const mode of ['dense', 'bm25', 'hybrid'] as const) {
      expect(ids(await index.search('how is asthma treated?', { mode }))[0]).toBe('asthma')
    }
    expect(ids(await index.search('東京', { mode: 'bm25' }))).toEqual(['ünï'])
    const [hit] = await index.search('tweezers')
    expect(hit).toMatchObject({
      id: 'tick',
      title: 'Tick bites',
      passage: documents[2]?.text,
      chunk: 0,
      start: 0,
      payload: { source: 'CDC', year: 2015 },
    })
  })

  test('filters in both forms, and refuses those that are none', async () => {
    expect(ids(await index.search('disease', { filter: { source: 'CDC' } }))).toEqual(['tick'])
    expect(ids(await index.search('disease', { filter: { year: { gte: 2005 } } })).sort()).toEqual(['iron', 'tick'])
    expect(ids(await index.search('disease', { filter: eq('source', "it's") }))).toEqual(['ünï'])
    expect(await index.count({ $or: [{ source: 'CDC' }, { $not: { source: 'NHLBI' } }] })).toBe(2)
    for (const filter of [
      { year: { above: 3 } },
      { year: null },
      { year: { gte: true } },
      { $and: {} },
      { year: {} },
      'source',
      [],
    ]) {
      // @ts-expect-error: callers without types
      await expect(index.search('x', { filter })).rejects.toMatchObject({ code: 'invalid-filter' })
    }
    const deep = Array.from({ length: 30 }).reduce<object>((inner) => ({ $not: inner }), { a: 1 })
    // @ts-expect-error: deeper than the type says
    await expect(index.search('x', { filter: deep })).rejects.toMatchObject({
      code: 'invalid-filter',
      message: expect.stringContaining('20'),
    })
  })

  test('pages follow each other without a gap', async () => {
    const all = ids(await index.search('disease'))
    expect([
      ...ids(await index.search('disease', { limit: 2 })),
      ...ids(await index.search('disease', { limit: 2, offset: 2 })),
    ]).toEqual(all)
  })

  test('searches by vector, and says what is wrong with one', async () => {
    const vector = (await encoder.encode(['asthma treatment'])).row(0)
    expect(ids(await index.search({ vector }))[0]).toBe('asthma')
    await expect(index.search({ vector: vector.slice(1) })).rejects.toMatchObject({ code: 'dimension-mismatch' })
    await expect(index.search({ vector: vector.map(() => Number.NaN) })).rejects.toMatchObject({
      code: 'invalid-input',
    })
    await expect(index.search({ vector }, { mode: 'hybrid' })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('answers many queries at once as one by one', async () => {
    const queries = ['asthma', 'ticks', 'iron in blood']
    const together = await index.searchMany(queries)
    for (const [i, query] of queries.entries()) expect(together[i]).toEqual(await index.search(query))
  })

  test('hits of one document are its best chunk, or all of them', async () => {
    await index.add([{ id: 'long', text: 'A paragraph about asthma and its treatment.\n\n'.repeat(100) }])
    expect(ids(await index.search('asthma', { limit: 3 })).filter((id) => id === 'long')).toHaveLength(1)
    expect(
      ids(await index.search('asthma', { groupBy: 'chunk', limit: 3 })).filter((id) => id === 'long').length,
    ).toBeGreaterThan(1)
  })

  test('minScore drops weak hits, where scores mean something', async () => {
    const all = await index.search('how is asthma treated?', { mode: 'dense' })
    const least = all[0]?.score ?? 0
    expect(ids(await index.search('how is asthma treated?', { mode: 'dense', minScore: least }))).toEqual(['asthma'])
    await expect(index.search('x', { mode: 'hybrid', minScore: 0.5 })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('says what is wrong with a query', async () => {
    await expect(index.search('  ')).rejects.toMatchObject({ code: 'invalid-input' })
    await expect(index.search('x', { limit: 0 })).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(index.search('x', { limit: 1e9 })).rejects.toMatchObject({ code: 'invalid-option' })
    // @ts-expect-error: callers without types
    await expect(index.search('x', { mode: 'fuzzy' })).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(index.search('x', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    expect(await index.search('\0 \ud800 zzz')).toHaveLength(4)
  })
})

describe('the rest', () => {
  test('get, delete, count, scroll, info and drop', async () => {
    await index.add(documents)
    expect(await index.get('iron')).toEqual(documents[1])
    expect(await index.get('absent')).toBeUndefined()
    const seen: string[] = []
    for await (const document of index.scroll()) seen.push(document.id)
    expect(seen.sort()).toEqual(ids(documents).sort())
    expect(await index.delete(['iron', 'absent'])).toBe(1)
    expect(await index.delete('tick')).toBe(1)
    expect(await index.delete({ filter: { source: 'NHLBI' } })).toBe(1)
    expect(await index.count()).toBe(1)
    expect(await index.info()).toMatchObject({
      name: 'docs',
      documents: 1,
      points: 1,
      schema: { dimensions: encoder.dimensions },
    })
    expect((await listIndexes({ path: folder })).map(({ name }) => name)).toEqual(['docs'])
    await index.drop()
    expect(await listIndexes({ path: folder })).toEqual([])
    await expect(index.info()).rejects.toMatchObject({ code: 'index-not-found' })
  })

  test('scroll puts documents of many chunks together', async () => {
    const long = {
      id: 'long',
      title: 'T',
      text: 'Some sentence about nothing in particular. '.repeat(100),
      payload: {},
    }
    await index.add([long, ...documents])
    const seen: Document[] = []
    for await (const document of index.scroll()) seen.push(document)
    expect(seen).toHaveLength(5)
    expect(seen.find(({ id }) => id === 'long')).toEqual(long)
  })

  test('an index that is not there yet says what is, and another encoder is refused', async () => {
    await expect(index.search('x')).rejects.toMatchObject({ code: 'index-not-found' })
    await index.add(documents)
    await using other = await loadEncoder('default', { dimensions: 128 })
    await expect(openIndex({ name: 'docs', encoder: other, path: folder })).rejects.toMatchObject({
      code: 'encoder-mismatch',
    })
    await using absent = await openIndex({ name: 'absent', encoder, path: folder })
    await expect(absent.count()).rejects.toMatchObject({
      code: 'index-not-found',
      message: expect.stringContaining('docs'),
    })
    await expect(openIndex({ name: 'a/b', encoder, path: folder })).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(openIndex({ name: 'a', encoder })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('an index made meanwhile with another encoder is neither searched nor written', async () => {
    await using other = await loadEncoder('default', { dimensions: 128 })
    await using elsewhere = await openIndex({ name: 'docs', encoder: other, path: folder })
    await elsewhere.add(documents)
    await expect(index.search('asthma')).rejects.toMatchObject({ code: 'encoder-mismatch' })
    await expect(index.add(documents)).rejects.toMatchObject({ code: 'encoder-mismatch' })
    expect(await elsewhere.count()).toBe(4)
  })

  test('a filter without a condition deletes nothing', async () => {
    await index.add(documents)
    const everything: unknown[] = [
      {},
      { tenant: undefined },
      { $and: [{ tenant: undefined }] },
      { $or: [{}] },
      { $not: { $or: [] } },
      { $or: [{ year: { exists: true } }, { year: { exists: false } }] },
    ]
    for (const filter of everything) {
      // @ts-expect-error: callers without types
      await expect(index.delete({ filter })).rejects.toMatchObject({ code: 'invalid-filter' })
    }
    expect(() => and()).toThrow(/says nothing/)
    expect(await index.count()).toBe(4)
  })

  test('a closed index says so', async () => {
    await index.add(documents)
    await index.close()
    const closed = { code: 'closed' }
    await expect(index.add(documents)).rejects.toMatchObject(closed)
    await expect(index.search('asthma')).rejects.toMatchObject(closed)
    await expect(index.get('iron')).rejects.toMatchObject(closed)
    await expect(index.delete('iron')).rejects.toMatchObject(closed)
    await expect(index.count()).rejects.toMatchObject(closed)
  })

  test('a full disk is told as such, loses nothing, and is over once there is room', async (context) => {
    const mount = path.join(folder, 'small')
    await mkdir(mount)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', mount], { stdio: 'pipe' })
    } catch {
      return context.skip('skipped: no right to mount a small file system here')
    }
    try {
      await using small = await openIndex({ name: 'docs', encoder, path: mount })
      await small.add(documents)
      const filler = Array.from({ length: 3_000 }, (_, i) => ({ id: `f${i}`, text: `filler ${i} `.repeat(60) }))
      await expect(small.add(filler)).rejects.toMatchObject({
        code: 'disk-full',
        message: expect.stringContaining('free some space'),
      })
      for (const document of documents) expect(await small.get(document.id)).toEqual(document)
      execFileSync('mount', ['-o', 'remount,size=200m', mount])
      await small.add(filler)
      expect(await small.count()).toBe(documents.length + filler.length)
    } finally {
      execFileSync('umount', ['-l', mount])
    }
  })
})
