import { eq, gte, textContent } from '../../index/index.ts'
import type { JsonObject } from '../../shared/index.ts'
import { hostile } from '../filters/samples.ts'
import type { StoreTests } from '../runner.ts'
import { dense, point, words } from './points.ts'

/** What was put comes back. */
export function recordTests({ test, expect, at }: StoreTests): void {
  test('a search gives back everything that was put, verbatim', async () => {
    const payload: JsonObject = {
      nested: { list: [1, 'two', null, { three: 3 }] },
      text: hostile,
      empty: {},
      nothing: null,
    }
    const put = point('d1', {
      title: `T ${hostile.join('')}`,
      content: textContent(hostile.join('|'), { heading: 'A › B', line: 7, page: 3, start: 5, end: 9 }),
      payload,
    })
    await at.store.upsert('docs', [put, point('d2', { title: undefined })])
    const [hit] = await dense(at, put.vector)
    const { vector, terms, ...record } = put
    expect(hit?.point).toEqual(record)
    const [stored] = await at.store.get('docs', { ids: ['d1#0'] }, { vectors: true })
    expect(Array.from(stored?.vector ?? [])).toEqual(Array.from(vector))
    expect((await at.store.get('docs', { documents: ['d2'] }))[0]?.title).toBeUndefined()
  })

  test('ids may be any strings', async () => {
    const names = hostile.map((name, i) => `${name}${i}`)
    await at.store.upsert(
      'docs',
      names.map((name) => point(name)),
    )
    expect((await at.store.keys('docs', names)).map(({ documentId }) => documentId).sort()).toEqual([...names].sort())
    for (const name of names)
      expect((await at.store.get('docs', { documents: [name] })).map(({ documentId }) => documentId)).toEqual([name])
    expect(await at.store.delete('docs', { documents: [names[0] ?? ''] })).toBe(1)
    expect(await at.store.count('docs')).toBe(names.length - 1)
  })

  test('putting again replaces; of a repeated id the last counts', async () => {
    await at.store.upsert('docs', [point('d1', { content: words('first') }), point('d1', { content: words('second') })])
    expect((await at.store.get('docs', { ids: ['d1#0'] })).map(({ content }) => content.text)).toEqual(['second'])
    await at.store.upsert('docs', [point('d1', { content: words('third'), payload: { source: 'x' } }), point('d2')])
    expect(await at.store.count('docs')).toBe(2)
    expect((await at.store.get('docs', { ids: ['d1#0'] })).map(({ content }) => content.text)).toEqual(['third'])
    expect(await at.store.count('docs', { filter: eq('source', 'x') })).toBe(1)
  })

  test('numbers come back as they were, however large, and are found', async () => {
    const numbers = [2 ** 53 - 1, 2 ** 53, 2 ** 60, -(2 ** 62), 2 ** 63, 2 ** 64, 1e21, 1e300, 5e-324, 0.1]
    const payload = { numbers, digits: '9007199254740993', nested: { of: [[2 ** 55]] } }
    await at.store.upsert('docs', [point('d1', { payload }), point('d2', { payload: { year: 2 ** 54 } })])
    expect((await at.store.get('docs', { documents: ['d1'] }))[0]?.payload).toEqual(payload)
    for (const number of numbers) expect(await at.store.count('docs', { filter: eq('numbers', number) })).toBe(1)
    expect(await at.store.count('docs', { filter: eq('digits', '9007199254740993') })).toBe(1)
    expect(await at.store.count('docs', { filter: eq('year', 2 ** 54) })).toBe(1)
  })
}

/** Points by id, by document and by payload. */
export function selectionTests({ test, expect, at }: StoreTests): void {
  test('keys and get tell a document’s chunks, in order', async () => {
    const chunks = [2, 0, 1].map((chunk) => point('d1', { id: `d1#${chunk}`, chunk, chunks: 3 }))
    await at.store.upsert('docs', [...chunks, point('d2')])
    expect((await at.store.get('docs', { documents: ['d1'] })).map(({ chunk }) => chunk)).toEqual([0, 1, 2])
    const keys = await at.store.keys('docs', ['d1', 'd9'])
    expect(keys.map(({ chunk }) => chunk).sort()).toEqual([0, 1, 2])
    expect(keys[0]).toMatchObject({ documentId: 'd1', chunks: 3, hash: 'hash of d1' })
    expect(await at.store.keys('docs', [])).toEqual([])
    expect(await at.store.get('docs', { ids: [] })).toEqual([])
  })

  test('delete takes what is selected and nothing else', async () => {
    await at.store.upsert(
      'docs',
      Array.from({ length: 10 }, (_, i) => point(`d${i}`, { payload: { year: 2000 + i } })),
    )
    expect(await at.store.delete('docs', { ids: ['d0#0', 'd99#0'] })).toBe(1)
    expect(await at.store.delete('docs', { documents: ['d1', 'd2'] })).toBe(2)
    expect(await at.store.delete('docs', { filter: gte('year', 2008) })).toBe(2)
    expect(await at.store.delete('docs', { ids: [] })).toBe(0)
    const left = await at.store.scroll('docs')
    expect(left.points.map(({ documentId }) => documentId).sort()).toEqual(['d3', 'd4', 'd5', 'd6', 'd7'])
  })
}
