export { readableExtensions } from './formats.ts'
export { type DocumentSource, readDocuments } from './read-documents.ts'
export type { FileColumns, ReadFailure, ReadNotice, ReadOptions } from './reader.ts'
export { type SourcePattern, shownPath } from './roots.ts'
