import type { Document, Section } from '../../shared/index.ts'
import type { TextContent } from '../stores/store.ts'

export type Place = Pick<TextContent, 'heading' | 'line' | 'page'>

/**
 * Says where a chunk is in the source: the place of the first word at or after an offset of the text.
 * To be asked in ascending order, so that line breaks are counted once however many chunks there are.
 */
export function createPlaces({ text, sections = [] }: Document): (start: number) => Place {
  let section: Section | undefined
  let next = 0
  let counted = 0
  let line = 0
  return (start) => {
    const word = start + Math.max(0, text.slice(start).search(/\S/))
    for (let candidate = sections[next]; candidate && candidate.start <= word; candidate = sections[++next]) {
      section = candidate
      counted = candidate.start
      line = candidate.line ?? 0
    }
    if (section?.line === undefined) return { heading: section?.heading, page: section?.page, line: undefined }
    line += lineBreaks(text, counted, word)
    counted = word
    return { heading: section.heading, page: section.page, line }
  }
}

/** The sections of a document as far as its chunks tell: one begins wherever heading or page change. */
export function sectionsOf(chunks: readonly TextContent[]): Section[] {
  const sections: Section[] = []
  for (const [i, { start, text, heading, line, page }] of chunks.entries()) {
    const before = chunks[i - 1]
    if (before ? before.heading === heading && before.page === page : (heading ?? line ?? page) === undefined) continue
    const firstWord = Math.max(0, text.search(/\S/))
    sections.push({
      start,
      ...(heading === undefined ? {} : { heading }),
      ...(line === undefined ? {} : { line: line - lineBreaks(text, 0, firstWord) }),
      ...(page === undefined ? {} : { page }),
    })
  }
  return sections
}

function lineBreaks(text: string, from: number, to: number): number {
  let breaks = 0
  for (let at = from; at < to; at++) if (text.charCodeAt(at) === 10) breaks += 1
  return breaks
}
