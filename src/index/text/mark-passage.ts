import { foldWithOffsets } from './fold-text.ts'
import { lexicalTerms, lexicalTokens } from './lexical.ts'

/** UTF-16 offsets `[start, end)` in a passage, in order and apart from each other. */
export type MarkedPassage = readonly (readonly [start: number, end: number])[]

/** Where a passage has the words of a query, however they are inflected, accented or joined: what BM25 finds in it. */
export function markPassage(passage: string, query: string): MarkedPassage {
  const wanted = new Set(lexicalTerms(query))
  const folded = foldWithOffsets(passage)
  const found = lexicalTokens(folded.text)
    .filter(({ term }) => wanted.has(term))
    .map(({ start, end }) => folded.span(start, end))
    .sort(([a], [b]) => a - b)
  const marks: [number, number][] = []
  for (const [start, end] of found) {
    const last = marks.at(-1)
    if (last && start < last[1]) last[1] = Math.max(last[1], end)
    else marks.push([start, end])
  }
  return marks
}
