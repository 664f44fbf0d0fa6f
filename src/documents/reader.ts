import type { ColumnType, Document, ErrorCode, JsonObject, OnProgress, OptionKeys } from '../shared/index.ts'

export type FieldType = ColumnType

/** The columns of a CSV file that are neither id, text nor title. */
export interface FileColumns {
  /** The file relative to the current folder. */
  readonly path: string
  readonly types: Readonly<Record<string, FieldType>>
}

/** A document, or a line, that could not be read. */
export interface ReadFailure {
  /** The file relative to the current folder, with the line where there is one: `faq.jsonl:17`. */
  readonly id: string
  readonly path: string
  readonly code: ErrorCode
  readonly reason: string
}

/** What is told of files that are no failures. */
export interface ReadNotice {
  /**
   * `skipped`: a kind of file that is not read, `detail` is its extension. `empty`: nothing is written in it. `link`: a link that is not followed.
   * `encoding`: it is no UTF-8 and was read as `detail`. `replaced`: it holds U+FFFD, so somebody else lost characters of it before.
   */
  readonly kind: 'skipped' | 'empty' | 'link' | 'encoding' | 'replaced'
  readonly path: string
  readonly detail: string
}

export interface ReadOptions {
  readonly signal?: AbortSignal
  /** Bytes read so far, of all the files together. */
  readonly onProgress?: OnProgress
  /** Called for every file or line that is left out; without it the first one is thrown. */
  readonly onFailure?: (failure: ReadFailure) => void
  /** Called for every file that is skipped, empty, or read in another way than one may expect. */
  readonly onNotice?: (notice: ReadNotice) => void
  /** How text files are read that are no UTF-8, such as `latin1`: instead of what they look like. */
  readonly encoding?: string
  /** Columns of JSONL and CSV files, where they are not named id, text and title. */
  readonly idColumn?: string
  readonly textColumn?: string
  readonly titleColumn?: string
  /** What the payload's fields hold, as the index declares them; otherwise the columns of a CSV file are looked at. */
  readonly fields?: Readonly<Record<string, FieldType>>
  /** Told for each CSV file, before its rows, what the columns of its payload hold. */
  readonly onColumns?: (columns: FileColumns) => void
  /** What ids begin with instead of the folder's own name and a mark of where it lies: the folder may move, and other machines give the same ids. */
  readonly rootName?: string
  /** The id of a row is its id column's alone, so that a row with the same id in another file, or another run, is the same document. */
  readonly globalIds?: boolean
  /** Gives each document `replaces`, the id that qontrast 0.1.0 made of it in this working directory. */
  readonly legacyIds?: boolean
}

export const readKeys: OptionKeys<ReadOptions> = {
  signal: true,
  onProgress: true,
  onFailure: true,
  onNotice: true,
  encoding: true,
  idColumn: true,
  textColumn: true,
  titleColumn: true,
  fields: true,
  onColumns: true,
  rootName: true,
  globalIds: true,
  legacyIds: true,
}

export interface SourceFile {
  /** As it is opened. */
  readonly file: string
  /** Of its document, or what the ids of its rows begin with. */
  readonly id: string
  /** What its payload begins with: where the file is. */
  readonly place: JsonObject & { readonly path: string; readonly root: string }
  /** As messages name it: relative to the current folder, with forward slashes. */
  readonly shown: string
  readonly bytes: number
}

/** What a reader of many rows tells on the way. */
export interface ReaderReport {
  /** Reports a line and goes on. */
  fail(line: number, reason: string): void
  /** How many bytes of the file were read so far. */
  read(bytes: number): void
  /** Tells that the file is no UTF-8, and how it is read. */
  encoding(name: string): void
}

/** Yields the documents of one file. */
export type Reader = (source: SourceFile, options: ReadOptions, report: ReaderReport) => AsyncIterable<Document>
