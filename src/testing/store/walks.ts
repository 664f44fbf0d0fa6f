import { eq } from '../../index/index.ts'
import type { StoreTests } from '../runner.ts'
import { point } from './points.ts'

/** Walks over all points. */
export function walkTests({ test, expect, at }: StoreTests): void {
  test('scroll gives every point that stays exactly once, also while others come and go', async () => {
    await at.store.upsert(
      'docs',
      Array.from({ length: 25 }, (_, i) => point(`d${10 + i}`, { payload: { even: i % 2 === 0 } })),
    )
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await at.store.scroll('docs', { limit: 7, ...(cursor === undefined ? {} : { cursor }) })
      seen.push(...page.points.map(({ documentId }) => documentId))
      cursor = page.cursor
      await at.store.upsert('docs', [point(`z${seen.length}`)])
      await at.store.delete('docs', { ids: [`d${34 - seen.length}#0`] })
    } while (cursor !== undefined && seen.length < 100)
    const stayed = (await at.store.scroll('docs', { limit: 100 })).points
      .map(({ documentId }) => documentId)
      .filter((id) => id.startsWith('d'))
    for (const id of stayed) expect(seen.filter((other) => other === id)).toEqual([id])
    const filtered = await at.store.scroll('docs', { filter: eq('even', true), vectors: true })
    expect(filtered.points.every(({ payload, vector }) => payload['even'] === true && vector?.length === 8)).toBe(true)
  })

  test('scrolling keys gives those of every point once', async () => {
    await at.store.upsert(
      'docs',
      Array.from({ length: 25 }, (_, i) => point(`d${10 + i}`)),
    )
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await at.store.scrollKeys('docs', { limit: 7, ...(cursor === undefined ? {} : { cursor }) })
      for (const key of page.keys) {
        expect(Object.keys(key).sort()).toEqual(['chunk', 'chunks', 'documentId', 'hash', 'id'])
        seen.push(key.id)
      }
      cursor = page.cursor
    } while (cursor !== undefined && seen.length < 100)
    expect(seen.sort()).toEqual(Array.from({ length: 25 }, (_, i) => `d${10 + i}#0`))
  })
}

/** Marks of what was seen. */
export function seenTests({ test, expect, at }: StoreTests): void {
  test('what was seen before a moment is told from what was put or seen since', async () => {
    const unseen = async (moment: number, limit = 100) => {
      const found: string[] = []
      let cursor: string | undefined
      do {
        const page = await at.store.scroll('docs', {
          seenBefore: moment,
          limit,
          ...(cursor === undefined ? {} : { cursor }),
        })
        found.push(...page.points.map(({ id }) => id))
        cursor = page.cursor
      } while (cursor !== undefined)
      return found.sort()
    }
    const chunks = [0, 1, 2].map((chunk) => point('d1', { id: `d1#${chunk}`, chunk, chunks: 3, seen: 100 }))
    await at.store.upsert('docs', [...chunks, point('d2', { seen: 200 }), point('d3')])
    expect(await unseen(100)).toEqual(['d3#0'])
    expect(await unseen(200)).toEqual(['d1#0', 'd1#1', 'd1#2', 'd3#0'])
    await at.store.markSeen('docs', ['d1', 'd1', `it's absent`], 300)
    await at.store.markSeen('docs', [], 900)
    expect(await unseen(300)).toEqual(['d2#0', 'd3#0'])
    expect(await unseen(300, 1)).toEqual(['d2#0', 'd3#0'])
    await at.store.markSeen('docs', ['d1', 'd3'], 250) // the later mark of d1 stays
    expect(await unseen(250)).toEqual(['d2#0'])
    expect(await unseen(300)).toEqual(['d2#0', 'd3#0'])
    await at.store.upsert('docs', [point('d3', { seen: 300 })])
    expect(await unseen(300)).toEqual(['d2#0'])
    await at.store.optimize('docs')
    expect(await unseen(300)).toEqual(['d2#0'])
    const [stored] = await at.store.get('docs', { documents: ['d1'] }, { vectors: true })
    expect(Array.from(stored?.vector ?? [])).toEqual(Array.from(chunks[0]?.vector ?? []))
    await Promise.all([1, 2, 3].map(async (i) => (await at.reopen()).markSeen('docs', ['d2'], 300 + i)))
    expect(await unseen(304)).toEqual(['d1#0', 'd1#1', 'd1#2', 'd2#0', 'd3#0'])
    expect(await unseen(303)).toEqual(['d1#0', 'd1#1', 'd1#2', 'd3#0'])
  })
}
