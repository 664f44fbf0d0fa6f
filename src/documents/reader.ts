import type { Document, ErrorCode, OnProgress, OptionKeys } from '../shared/index.ts'

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
  /** Bytes read so far, of all the files together. */
  readonly onProgress?: OnProgress
  /** Called for every file or line that is left out; without it the first one is thrown. */
  readonly onFailure?: (failure: ReadFailure) => void
  /** Columns of JSONL and CSV files, where they are not named id, text and title. */
  readonly idColumn?: string
  readonly textColumn?: string
  readonly titleColumn?: string
}

export const readKeys: OptionKeys<ReadOptions> = {
  signal: true,
  onProgress: true,
  onFailure: true,
  idColumn: true,
  textColumn: true,
  titleColumn: true,
}

export interface SourceFile {
  /** As it is opened, and as it is shown: relative, with forward slashes. */
  readonly file: string
  readonly path: string
  readonly bytes: number
}

/** What a reader of many rows tells on the way. */
export interface ReaderReport {
  /** Reports a line and goes on. */
  fail(line: number, reason: string): void
  /** How many bytes of the file were read so far. */
  read(bytes: number): void
}

/** Yields the documents of one file. */
export type Reader = (source: SourceFile, options: ReadOptions, report: ReaderReport) => AsyncIterable<Document>
