import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createChunker } from '../../../src/index/text/chunk.ts'

/** A real enough count: words, and one more for every eight characters of a long one. */
const countTokens = (text: string) =>
  (text.match(/\S+/g) ?? []).reduce((sum, word) => sum + Math.ceil(word.length / 8), 0)
const chunker = (tokens: number, overlap = 0) => createChunker({ tokens, overlap, countTokens })

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc
    .array(fc.constantFrom('word ', 'Sentence. ', 'end.\n\n', '東京', '\n', 'x'.repeat(100), '🧪', '  ', 'ไทย'), {
      maxLength: 80,
    })
    .map((parts) => parts.join('')),
)

test('chunks cover the text without a gap, are never too long, and never split a surrogate pair', async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 20 }), fc.nat(6), async (text, tokens, overlap) => {
      const spans = await chunker(tokens, overlap).chunk(text)
      let covered = 0
      for (const { start, end } of spans) {
        expect(start).toBeLessThanOrEqual(covered)
        expect(end).toBeGreaterThan(covered)
        expect(countTokens(text.slice(start, end))).toBeLessThanOrEqual(Math.max(tokens, 2))
        for (const edge of [start, end])
          expect(/[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(edge - 1, edge + 1))).toBe(false)
        covered = end
      }
      expect(covered).toBe(spans.length === 0 ? 0 : text.length)
      if (text.trim() !== '') expect(spans.length).toBeGreaterThan(0)
    }),
    { numRuns: 300, seed: 2 },
  )
})

test('a chunk never crosses a section', async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.array(fc.nat(300), { maxLength: 5 }), async (text, starts) => {
      const sections = [...new Set(starts)].sort((a, b) => a - b).map((start) => ({ start }))
      for (const { start, end } of await chunker(8, 2).chunk(text, { sections })) {
        const crossed = sections.filter((section) => section.start > start && section.start < end)
        for (const section of crossed) {
          const before = text.slice(start, section.start).trim()
          const after = text.slice(section.start, end).trim()
          expect(before === '' || after === '').toBe(true) // white space only goes along with its neighbour
        }
      }
    }),
    { numRuns: 200, seed: 4 },
  )
})

test('a text ends a chunk at a paragraph, else at a sentence, else at a word', async () => {
  const cut = async (text: string) => (await chunker(8).chunk(text)).map(({ start, end }) => text.slice(start, end))
  expect(await cut('one two three four five six.\n\nseven eight nine ten eleven')).toEqual([
    'one two three four five six.\n\n',
    'seven eight nine ten eleven',
  ])
  expect(await cut('one two three four five six. seven eight nine ten eleven')).toEqual([
    'one two three four five six. ',
    'seven eight nine ten eleven',
  ])
  expect(await cut('one two three four five six seven eight nine ten')).toEqual([
    'one two three four five six seven eight ',
    'nine ten',
  ])
})

test('chunks overlap by whole words', async () => {
  const text = 'a b c d e f g h i j k l'
  const spans = await chunker(6, 2).chunk(text)
  expect(spans.map(({ start, end }) => text.slice(start, end).trim())).toEqual([
    'a b c d e f',
    'e f g h i j',
    'i j k l',
  ])
})

test('a megabyte is cut while the event loop turns', async () => {
  const text = 'some words of a long document. '.repeat(34_000)
  let turns = 0
  const timer = setInterval(() => {
    turns += 1
  }, 1)
  const spans = await chunker(200, 20).chunk(text)
  clearInterval(timer)
  expect(spans.length).toBeGreaterThan(1_000)
  expect(turns).toBeGreaterThan(0)
})

test('a word without end is cut into passages that can be read', async () => {
  const oneToken = createChunker({ tokens: 10, overlap: 0, countTokens: () => 1 })
  const spans = await oneToken.chunk('x'.repeat(100_000))
  expect(Math.max(...spans.map(({ start, end }) => end - start))).toBe(1_000)
})

test('a chunk for every word of a megabyte', async () => {
  expect(await chunker(1).chunk('word '.repeat(200_000))).toHaveLength(200_000)
})

const sentences = fc.array(
  fc.constantFrom('heart', 'lung', 'of', 'treats', 'cell', 'gene', 'the', 'blood', 'inhaler'),
  {
    minLength: 3,
    maxLength: 14,
  },
)
const paragraph = fc
  .array(sentences, { minLength: 1, maxLength: 6 })
  .map((list) => `${list.map((words) => `${words.join(' ')}.`).join(' ')}\n\n`)

test('an edit in a long text of paragraphs changes the chunks around it, and no others', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(paragraph, { minLength: 300, maxLength: 400 }),
      fc.nat(),
      fc.constantFrom('One more sentence of eight words stands here. ', 'Word ', 'A heading\n\n', ''),
      async (paragraphs, place, inserted) => {
        const at = place % paragraphs.length
        const edited = paragraphs.with(at, inserted === '' ? '' : inserted + paragraphs[at])
        const cut = async (parts: readonly string[]) => {
          const text = parts.join('')
          return (await chunker(40, 4).chunk(text)).map(({ start, end }) => text.slice(start, end))
        }
        const before = new Set(await cut(paragraphs))
        const after = await cut(edited)
        expect(after.length).toBeGreaterThan(150)
        expect(after.filter((passage) => !before.has(passage)).length).toBeLessThanOrEqual(40)
      },
    ),
    { numRuns: 30, seed: 5 },
  )
})
