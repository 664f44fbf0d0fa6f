import type { JsonObject } from './json.ts'

/** What is indexed: a text with a name of its own, and anything the caller wants back with a hit. */
export interface Document<Payload extends object = JsonObject> {
  /** Any string, at most 1,024 bytes of UTF-8; the same id replaces the document. */
  readonly id: string
  readonly text: string
  readonly title?: string
  readonly payload?: Payload
  /** The id this document had before: that document is deleted once this one is stored, its vectors are reused. */
  readonly replaces?: string
  /** Where parts of the text begin, in ascending order of `start`; a chunk never crosses one. */
  readonly sections?: readonly Section[]
}

/** A part of a document's text, from `start` (UTF-16 offset) to the next section or the end. */
export interface Section {
  readonly start: number
  /** The headings above it, outermost first, joined with ` › `. */
  readonly heading?: string
  /** Line of the source at `start`, counted from 1; only where `text` is the source verbatim. */
  readonly line?: number
  /** Page of the source, counted from 1. */
  readonly page?: number
}
