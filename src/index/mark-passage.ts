import { lexicalTerms } from './lexical.ts'

/** UTF-16 offsets `[start, end)` of a word in a passage. */
export type MarkedPassage = readonly (readonly [start: number, end: number])[]

const words = /[\p{L}\p{N}\p{M}]+/gu

/** Where a passage has the words of a query, however they are inflected or accented. */
export function markPassage(passage: string, query: string): MarkedPassage {
  const wanted = new Set(lexicalTerms(query))
  return [...passage.matchAll(words)].flatMap(({ 0: word, index }) =>
    lexicalTerms(word).some((term) => wanted.has(term)) ? [[index, index + word.length] as const] : [],
  )
}
