import type { Document, ErrorCode } from '../shared/index.ts'

/** A document, or a line, that could not be read. */
export interface ReadFailure {
  /** The file, with the line where there is one: `faq.jsonl:17`. */
  readonly id: string
  readonly path: string
  readonly code: ErrorCode
  readonly reason: string
}

export interface ReadOptions {
  readonly signal?: AbortSignal
  /** Called for every file or line that is left out; without it the first one is thrown. */
  readonly onFailure?: (failure: ReadFailure) => void
  /** Columns of JSONL and CSV files, where they are not named id, text and title. */
  readonly idColumn?: string
  readonly textColumn?: string
  readonly titleColumn?: string
}

export interface SourceFile {
  /** As it is opened, and as it is shown: relative, with forward slashes. */
  readonly file: string
  readonly path: string
}

/** Yields the documents of one file; `fail` reports a line and goes on. */
export type Reader = (
  source: SourceFile,
  options: ReadOptions,
  fail: (line: number, reason: string) => void,
) => AsyncIterable<Document>
