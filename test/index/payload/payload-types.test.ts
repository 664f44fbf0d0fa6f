import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type Document,
  type Hit,
  type JsonObject,
  type JsonValue,
  loadEncoder,
  openIndex,
  type PlainFilter,
  type SearchIndex,
} from '../../../src/main.ts'
import { type Article, article } from '../../support/article.ts'
import { temporaryFolder } from '../../support/temporary.ts'

describe('an index of a declared payload', () => {
  test('gives hits and documents of it, dates as strings', async () => {
    await using encoder = await loadEncoder()
    await using index = await openIndex<Article>({
      name: 'articles',
      encoder,
      path: await temporaryFolder(),
      fields: { source: 'keyword', year: 'number', tags: 'keyword', draft: 'boolean', published: 'date' },
    })
    await index.add([{ id: 'asthma', text: 'Asthma is treated with inhalers.', payload: article }])

    const [hit] = await index.search('asthma', { filter: { source: 'NHLBI', year: { gte: 2000 } } })
    expectTypeOf(hit?.payload.year).toEqualTypeOf<number | undefined>()
    expectTypeOf(hit?.payload.published).toEqualTypeOf<string | undefined>()
    expectTypeOf(hit?.payload.author.name).toEqualTypeOf<string | undefined>()
    expect(hit?.payload).toEqual({ ...article, published: '2001-05-06T00:00:00.000Z' })

    const document = await index.get('asthma')
    expectTypeOf(document?.payload?.tags).toEqualTypeOf<readonly string[] | undefined>()
    expect(document?.payload?.source).toBe('NHLBI')
    for await (const { payload } of index.scroll({ filter: { tags: 'lungs' } }))
      expectTypeOf(payload?.source).toEqualTypeOf<'NHLBI' | 'CDC' | undefined>()
    expect(await index.count({ tags: ['lungs'], $not: { year: { lt: 2000 } } })).toBe(1)
  })

  test('without dates comes back under its own name', () => {
    interface Page {
      readonly path: string
      readonly line?: number
    }
    expectTypeOf<Awaited<ReturnType<SearchIndex<Page>['search']>>>().toEqualTypeOf<Hit<Page>[]>()
  })

  test('an index without one takes interfaces too, and gives JSON', () => {
    expectTypeOf<Document<object>[]>().toExtend<Parameters<SearchIndex['add']>[0]>()
    expectTypeOf<Awaited<ReturnType<SearchIndex['search']>>[number]['payload']>().toEqualTypeOf<JsonObject>()
    expectTypeOf<Hit['payload'][string]>().toExtend<JsonValue | undefined>()
  })

  test('a filter of any shape goes where nothing is declared', () => {
    expectTypeOf<{ gtt: number }>().toExtend<PlainFilter>()
    expectTypeOf<PlainFilter<object>>().toEqualTypeOf<PlainFilter>()
    expectTypeOf<PlainFilter<Record<string, unknown>>>().toEqualTypeOf<PlainFilter>()
  })
})
