import type { StoreTests } from '../runner.ts'
import { idsOf as ids, point, schema } from './points.ts'

/** Names that move. */
export function aliasTests({ test, expect, at }: StoreTests): void {
  test('an alias names a collection, moves in one step and needs no copy', async () => {
    await at.store.ensure('next', schema)
    await at.store.upsert('docs', [point('d1')])
    await at.store.upsert('next', [point('n1'), point('n2')])
    await at.store.alias('live', 'docs')
    expect(await at.store.count('live')).toBe(1)
    await at.store.alias('live', 'next')
    expect(await at.store.count('live')).toBe(2)
    expect((await (await at.reopen()).info('live'))?.name).toBe('next')
    await expect(at.store.alias('docs', 'next')).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(at.store.alias('live', 'absent')).rejects.toMatchObject({ code: 'index-not-found' })
  })

  test('aliases are told with their collections, taken away, and none of them is a collection', async () => {
    await at.store.alias('live', 'docs')
    await at.store.alias('live.next', 'docs')
    expect(new Map(await (await at.reopen()).aliases())).toEqual(
      new Map([
        ['live', 'docs'],
        ['live.next', 'docs'],
      ]),
    )
    expect(await at.store.list()).toEqual(['docs'])
    await at.store.alias('live.next', undefined)
    await at.store.alias('absent', undefined)
    expect([...(await at.store.aliases()).keys()]).toEqual(['live'])
    expect(await at.store.info('live.next')).toBeUndefined()
    await expect(at.store.count('live.next')).rejects.toMatchObject({ code: 'index-not-found' })
  })
}

/** Collections, and what they are made with. */
export function collectionTests({ test, expect, at }: StoreTests): void {
  test('collections are listed, described and dropped', async () => {
    await at.store.ensure('more', { ...schema, fields: {} })
    expect(await at.store.list()).toEqual(['docs', 'more'])
    expect(await at.store.info('absent')).toBeUndefined()
    await at.store.upsert('more', [point('d1')])
    await at.store.drop('more')
    expect(await at.store.list()).toEqual(['docs'])
    await expect(at.store.count('more')).rejects.toMatchObject({ code: 'index-not-found' })
    await expect(at.store.drop('more')).rejects.toMatchObject({ code: 'index-not-found' })
    await at.store.ensure('more', schema)
    expect(await at.store.count('more')).toBe(0)
  })

  test('a collection is opened with the encoder and the fields it was made with', async () => {
    await at.store.ensure('docs', schema)
    const other = { ...schema, encoder: { name: 'other', fingerprint: 'e'.repeat(32) } }
    await expect(at.store.ensure('docs', other)).rejects.toMatchObject({
      code: 'encoder-mismatch',
      message: expect.stringMatching(/fixed.*other.*qontrast reindex/s),
    })
    await expect(at.store.ensure('docs', { ...schema, dimensions: 9 })).rejects.toMatchObject({
      code: 'dimension-mismatch',
    })
    await expect(at.store.ensure('docs', { ...schema, fields: { year: 'keyword' } })).rejects.toMatchObject({
      code: 'invalid-option',
    })
    await expect(at.store.ensure('a/b', schema)).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(at.store.ensure('../up', schema)).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('a wrong vector or field is refused before anything is written', async () => {
    const wrong = [
      { change: { vector: new Float32Array(7) }, code: 'dimension-mismatch' },
      { change: { vector: Float32Array.from({ length: 8 }, () => Number.NaN) }, code: 'invalid-input' },
      { change: { payload: { year: 'soon' } }, code: 'invalid-input' },
      { change: { payload: { source: 3 } }, code: 'invalid-input' },
      { change: { payload: { open: 'yes' } }, code: 'invalid-input' },
    ]
    for (const { change, code } of wrong) {
      await expect(at.store.upsert('docs', [point('d1'), point('d2', change)])).rejects.toMatchObject({ code })
    }
    expect(await at.store.count('docs')).toBe(0)
  })

  test('many small writes at once all arrive, and maintenance loses none', async () => {
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        at.store.upsert('docs', [point(`d${i}`, { terms: [`t${i}`] }), point('same')]),
      ),
    )
    await at.store.optimize('docs')
    await at.store.optimize('docs')
    expect(await at.store.count('docs')).toBe(13)
    for (let i = 0; i < 12; i++)
      expect(ids(await at.store.query('docs', { mode: 'bm25', terms: [`t${i}`], limit: 3 }))).toEqual([`d${i}`])
  })
}
