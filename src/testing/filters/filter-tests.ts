import fc from 'fast-check'
import {
  and,
  contains,
  eq,
  exists,
  type Filter,
  filterLimits,
  lt,
  matchesFilter,
  not,
  oneOf,
  or,
  range,
  toFilter,
} from '../../index/index.ts'
import type { StoreTests } from '../runner.ts'
import { agreement, filterSchema, manyFields, filterPoint as point, put } from './points.ts'
import { dates, filters, hostile, inherited, payloads } from './samples.ts'

/** What a filter finds is what `matchesFilter` finds, whatever the names and values. */
export function agreementTests({ test, expect, at }: StoreTests): void {
  const agrees = agreement({ expect, at })

  test('filters agree with their plain evaluation, whatever the names and values', async () => {
    const points = await put(at, fc.sample(payloads, { numRuns: 150, seed: 5 }))
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => agrees(points, filter)),
      { numRuns: 120, seed: 3 },
    )
    await fc.assert(
      fc.asyncProperty(filters, async (written) => {
        const filter = typedOrSkipped(written)
        for (const { payload } of points.slice(0, 30)) expect(typeof matchesFilter(filter, payload)).toBe('boolean')
        await agrees(points, filter)
      }),
      { numRuns: 60, seed: 4 },
    )
    const condition = toFilter({ $or: [{ source: `' OR 1=1 --` }, { tags: { exists: true } }] }, filterSchema.fields)
    const gone = points.filter(({ payload }) => matchesFilter(condition, payload))
    expect(await at.store.delete('docs', { filter: condition })).toBe(gone.length)
    expect(await at.store.count('docs')).toBe(points.length - gone.length)
  }, 300_000)
}

/** Dates, as instants. */
export function dateTests({ test, expect, at }: StoreTests): void {
  const agrees = agreement({ expect, at })
  const ids = async (filter: Filter) =>
    (await at.store.scroll('docs', { filter })).points.map(({ documentId }) => documentId).sort()

  test('dates are compared as instants, alone and in lists, declared or not', async () => {
    const points = await put(at, [
      ...dates.map((text) => ({ when: text, free: text, in: { here: text } })),
      { when: ['2020-01-01', '2030-01-01'], free: ['2020-01-01', 'soon', 7] },
      { free: 'soon' },
      {},
    ])
    const newYear = ['d0', 'd1', 'd2']
    expect(await ids(toFilter({ when: '2024-01-01' }, filterSchema.fields))).toEqual(newYear)
    expect(await ids(eq('free', new Date('2024-01-01')))).toEqual(newYear)
    expect(await ids(eq(['in', 'here'], new Date('2024-01-01')))).toEqual(newYear)
    expect(await ids(eq('free', '2024-01-01'))).toEqual(['d0'])
    const years: [string, string[]][] = [
      ['{"gte":"2024-01-01","lt":"2025-01-01"}', [...newYear, 'd4']],
      ['{"lt":"1970-01-01"}', ['d5']],
      ['{"gt":"2024-05-31T12:29:59.9999Z","lt":"2024-06-01"}', ['d4']],
      ['{"gte":"2019-01-01","lt":"2021-01-01"}', ['d7']],
      ['{"gt":"2020-01-01","lt":"2023-01-01"}', []],
    ]
    for (const [condition, expected] of years) {
      const filter = toFilter(JSON.parse(`{"when":${condition}}`), filterSchema.fields)
      expect(await ids(filter)).toEqual(expected)
      await agrees(points, filter)
    }
    for (const field of ['when', 'free', ['in', 'here']] as const) {
      await agrees(points, range(field, { gte: new Date('2020-01-01'), lte: new Date('2024-01-01') }))
      await agrees(points, toFilter({ $not: lt(field, new Date('2024-01-01')) }, filterSchema.fields))
    }
  })

  test('a date field takes dates and nothing else', async () => {
    for (const when of ['soon', '2024', '2024-W01-1', '2024-02-30', 5, true, ['2024-01-01', 'soon'], { a: 1 }])
      await expect(at.store.upsert('docs', [point('d1', { when })])).rejects.toMatchObject({ code: 'invalid-input' })
    await at.store.upsert('docs', [point('d1', { when: null }), point('d2', { when: [] }), point('d3', {})])
    expect(await at.store.count('docs')).toBe(3)
  })
}

/** Strings, by code units. */
export function stringTests({ test, expect, at }: StoreTests): void {
  const agrees = agreement({ expect, at })

  test('strings are ordered by code units, declared or not', async () => {
    const texts = ['', 'a', 'm', 'ma', 'z', 'Z', 'é', '\ud800', '\u{1f9ea}', '\ufffd', '10', '9', '2024-05-31']
    const points = await put(at, [
      ...texts.map((text) => ({ source: text, free: text, in: { here: [text, 7] } })),
      { free: 5, source: ['b', 'x'] },
      { free: null },
    ])
    for (const limit of texts) {
      for (const field of ['source', 'free', ['in', 'here']] as const) {
        await agrees(points, range(field, { gt: limit }))
        await agrees(points, range(field, { lte: limit }))
      }
    }
    await agrees(points, and(range('source', { gte: 'a', lt: 'n' }), contains('free', 'm')))
  })
}

/** Fields by any name. */
export function nameTests({ test, expect, at }: StoreTests): void {
  const agrees = agreement({ expect, at })

  for (const field of [...inherited, '$', 'a.b', ''])
    test(`a field may be named ${JSON.stringify(field)}`, async () => {
      const points = await put(at, [
        { [field]: 'x', list: ['x'] },
        { [field]: 'y' },
        { other: 'x' },
        { nested: { [field]: 'x' } },
      ])
      const declared = { ...filterSchema, fields: { [field]: 'keyword' } } as const
      await at.store.ensure('declared', declared)
      await at.store.upsert('declared', points)
      expect((await (await at.reopen()).info('declared'))?.schema).toEqual(declared)
      for (const collection of ['docs', 'declared']) {
        const idsOf = async (filter: Filter) =>
          (await at.store.scroll(collection, { filter })).points.map(({ documentId }) => documentId).sort()
        expect(await idsOf(eq(field, 'x'))).toEqual(['d0'])
        expect(await idsOf(eq(['nested', field], 'x'))).toEqual(['d3'])
        expect(await idsOf(not(exists(field)))).toEqual(['d2', 'd3'])
        const [stored] = await at.store.get(collection, { ids: ['d0#0'] })
        expect(Object.entries(stored?.payload ?? {}).sort()).toEqual(
          [
            [field, 'x'],
            ['list', ['x']],
          ].sort(),
        )
      }
      for (const filter of [range(field, { gt: 'x' }), or(eq(field, 'y'), eq('other', 'x'))])
        await agrees(points, filter)
      const wrong = point('d9', { [field]: 5 })
      await expect(at.store.upsert('declared', [wrong])).rejects.toMatchObject({ code: 'invalid-input' })
    })
}

/** Filters and selections as large as they may be. */
export function sizeTests({ test, expect, at }: StoreTests): void {
  const agrees = agreement({ expect, at })

  test('filters at the limits of size are answered', async () => {
    const points = await put(at, manyFields())
    const many = Array.from({ length: filterLimits.conditions }, (_, i) => i)
    await agrees(points, toFilter({ $or: many.map((i) => ({ [`f${i}`]: { exists: true } })) }))
    const ranges = many.slice(0, filterLimits.comparisons)
    await agrees(points, toFilter({ $or: ranges.map((i) => ({ n: { gt: i + 0.5, lt: i + 1.5 } })) }))
    await agrees(points, toFilter({ $and: ranges.map((i) => ({ $not: { year: { gt: i + 20 } } })) }))
    let deep: Filter = eq('n', 3)
    for (let i = 0; i < filterLimits.depth / 2; i++) deep = and(or(deep, eq('n', i)), lt('n', 30 - i))
    await agrees(points, deep)
  })

  test('sets at the limit of size are answered', async () => {
    const points = await put(at, manyFields())
    const set = Array.from({ length: filterLimits.values }, (_, i) => i * 2)
    await agrees(points, oneOf('n', set))
    await agrees(points, oneOf('year', set))
    await agrees(
      points,
      oneOf(
        's',
        set.map((i) => `s${i}`),
      ),
    )
    await agrees(
      points,
      oneOf(
        'source',
        set.map((i) => `s${i}`),
      ),
    )
    await agrees(
      points,
      oneOf(
        'when',
        set.map((i) => new Date(Date.UTC(2010 + (i % 200), 0, 1))),
      ),
    )
  })

  test('forty thousand ids select at once', async () => {
    await put(
      at,
      Array.from({ length: 20 }, (_, i) => ({ n: i })),
    )
    const absent = Array.from({ length: 40_000 }, (_, i) => `absent ${hostile[i % hostile.length]} ${i}`)
    const documents = [...absent, 'd3', 'd7', 'd7']
    expect((await at.store.get('docs', { documents })).map(({ documentId }) => documentId)).toEqual(['d3', 'd7'])
    expect((await at.store.get('docs', { ids: [...absent, 'd5#0'] })).map(({ id }) => id)).toEqual(['d5#0'])
    expect((await at.store.keys('docs', documents)).map(({ id }) => id).sort()).toEqual(['d3#0', 'd7#0'])
    await at.store.markSeen('docs', documents, 5)
    expect((await at.store.scroll('docs', { seenBefore: 5 })).points).toHaveLength(18)
    expect(await at.store.delete('docs', { documents })).toBe(2)
    expect(await at.store.delete('docs', { ids: [...absent, 'd5#0'] })).toBe(1)
    expect(await at.store.count('docs')).toBe(17)
  })
}

function typedOrSkipped(filter: Filter): Filter {
  try {
    return toFilter(filter, filterSchema.fields)
  } catch {
    return fc.pre(false) ?? filter
  }
}
