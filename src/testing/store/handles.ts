import type { StoreQuery } from '../../index/index.ts'
import type { StoreTests } from '../runner.ts'
import { point, schema, unit } from './points.ts'

/** Aliases in every call. */
export function aliasCallTests({ test, expect, at }: StoreTests): void {
  test('every call takes an alias for its collection, and an alias of nothing names nothing', async () => {
    await at.store.alias('live', 'docs')
    await at.store.ensure('live', schema)
    await at.store.upsert('live', [point('d1', { terms: ['x'] }), point('d2')])
    await at.store.markSeen('live', ['d1'], 5)
    expect((await at.store.scroll('live', { seenBefore: 5 })).points.map(({ documentId }) => documentId)).toEqual([
      'd2',
    ])
    expect((await at.store.scrollKeys('live')).keys).toHaveLength(2)
    expect(await at.store.keys('live', ['d1'])).toHaveLength(1)
    expect(await at.store.query('live', { mode: 'bm25', terms: ['x'], limit: 3 })).toHaveLength(1)
    expect(await at.store.delete('live', { documents: ['d1'] })).toBe(1)
    await at.store.drop('docs')
    expect(await at.store.info('live')).toBeUndefined()
    await expect(at.store.count('live')).rejects.toMatchObject({ code: 'index-not-found' })
  })
}

/** Several handles on the same data. */
export function handleTests({ test, expect, at }: StoreTests): void {
  test('another handle sees what was written, at once', async () => {
    const other = await at.reopen()
    await at.store.upsert('docs', [point('d1')])
    expect(await other.count('docs')).toBe(1)
    await other.upsert('docs', [point('d2')])
    expect(await at.store.count('docs')).toBe(2)
    expect(await other.info('docs')).toMatchObject({ name: 'docs', points: 2, schema })
  })
}

/** Calls that a signal ends. */
export function signalTests({ test, expect, at }: StoreTests): void {
  test('once a signal has fired, no call does anything', async () => {
    await at.store.upsert('docs', [point('d1')])
    const controller = new AbortController()
    const bound = at.store.within(controller.signal)
    expect(await bound.count('docs')).toBe(1)
    controller.abort('enough')
    const query: StoreQuery = { mode: 'dense', vector: unit(), limit: 1 }
    const calls = [
      () => bound.ensure('more', schema),
      () => bound.list(),
      () => bound.info('docs'),
      () => bound.schema('docs'),
      () => bound.drop('docs'),
      () => bound.upsert('docs', [point('d2')]),
      () => bound.get('docs', { ids: ['d1#0'] }),
      () => bound.keys('docs', ['d1']),
      () => bound.delete('docs', { ids: ['d1#0'] }),
      () => bound.query('docs', query),
      () => bound.queryMany('docs', [query]),
      () => bound.count('docs'),
      () => bound.scroll('docs'),
      () => bound.scrollKeys('docs'),
      () => bound.markSeen('docs', ['d1'], 1),
      () => bound.aliases(),
      () => bound.alias('live', 'docs'),
      () => bound.optimize('docs'),
      () => bound.within(new AbortController().signal).count('docs'),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'aborted', cause: 'enough' })
    expect(await at.store.list()).toEqual(['docs'])
    expect(await at.store.count('docs')).toBe(1)
    expect((await at.store.aliases()).size).toBe(0)
  })
}
