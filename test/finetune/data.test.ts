import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutBySize, cutInGroups } from '../../src/finetune/data/cut.ts'
import { readPairs } from '../../src/finetune/data/pairs.ts'
import { temporaryFolder } from '../support/temporary.ts'

const ascending = fc
  .array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 40 })
  .map((lengths) => lengths.toSorted((a, b) => a - b))

test('groups cover all texts in order, and more groups never pad more', () => {
  fc.assert(
    fc.property(ascending, fc.integer({ min: 1, max: 6 }), (lengths, groups) => {
      const padded = (count: number) => {
        const stretches = cutInGroups(count)(lengths)
        expect(stretches.map(([from]) => from)).toEqual([0, ...stretches.slice(0, -1).map(([, to]) => to)])
        expect(stretches.at(-1)?.[1]).toBe(lengths.length)
        expect(stretches.every(([from, to]) => to > from)).toBe(true)
        return stretches.reduce((sum, [from, to]) => sum + (to - from) * (lengths[to - 1] ?? 0), 0)
      }
      expect(padded(groups + 1)).toBeLessThanOrEqual(padded(groups))
    }),
  )
})

test('chunks hold at most so many texts and tokens, one text at least', () => {
  fc.assert(
    fc.property(
      ascending,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 300 }),
      (lengths, texts, tokens) => {
        const stretches = cutBySize({ items: texts, cost: tokens })(lengths)
        expect(stretches.flatMap(([from, to]) => lengths.slice(from, to))).toEqual(lengths)
        for (const [from, to] of stretches) {
          expect(to - from).toBeLessThanOrEqual(texts)
          if (to - from > 1) expect((to - from) * (lengths[to - 1] ?? 0)).toBeLessThanOrEqual(tokens)
        }
      },
    ),
  )
})

test.each([
  [
    'own.jsonl',
    '{"anchor":"a","positive":"b","negative":"c"}\n{"anchor":"d","positive":"e","negative_1":"f","negative_2":"g"}\n',
    [['c'], ['f', 'g']],
  ],
  [
    'bge.jsonl',
    '{"query":"a","pos":["b"],"neg":["c","d"]}\n\n{"query":"d","pos":["e"],"neg":[]}\n',
    [['c', 'd'], undefined],
  ],
  ['st.csv', '\uFEFFsentence1,sentence2\n"a, with comma",b\n"d","e\ne"\n', [undefined, undefined]],
  ['own.tsv', 'anchor\tpositive\tnegative\na\tb\tc\nd\te\t\n', [['c'], undefined]],
])('columns by any of their names: %s', async (name, text, negatives) => {
  const file = path.join(await temporaryFolder(), name)
  await writeFile(file, text)
  const pairs = await readPairs(file)
  expect(pairs.map((one) => one.negatives)).toEqual(negatives)
  expect(pairs.map(({ positive }) => positive[0])).toEqual(['b', 'e'])
})

test('a line ends at a line feed, not at the line separators that JSON strings may hold', async () => {
  const file = path.join(await temporaryFolder(), 'separators.jsonl')
  const pairs = [{ anchor: 'one\u2028two', positive: 'three\u2029four' }]
  await writeFile(file, `${JSON.stringify(pairs[0])}\r\n`)
  expect(await readPairs(file)).toEqual(pairs)
})
