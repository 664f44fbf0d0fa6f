import type { Content, PointRecord, TextContent } from './store.ts'

/** A text by itself: all of its document, from a source without places. */
export function textContent(text: string, change: Partial<Omit<TextContent, 'kind' | 'text'>> = {}): TextContent {
  return {
    kind: 'text',
    text,
    start: 0,
    end: text.length,
    heading: undefined,
    line: undefined,
    page: undefined,
    ...change,
  }
}

type Flat<C extends Content> = C extends Content ? Omit<C, 'kind'> : never

/** A record as stores keep it, the members of its content beside the others. */
export type FlatRecord = Omit<PointRecord, 'content'> & Flat<Content>

/** The form in which index format 2 keeps a record: texts, the first kind there was, go without a name of their kind. */
export function flatRecord({ content: { kind: _, ...members }, ...record }: PointRecord): FlatRecord {
  return { ...record, ...members }
}

/** A record from its stored form; what was not stored of a text's place is undefined. */
export function recordOf({ title, text, start, end, heading, line, page, ...record }: FlatRecord): PointRecord {
  return { ...record, title, content: { kind: 'text', text, start, end, heading, line, page } }
}
