export { type DocumentSource, readableExtensions, readDocuments } from './read-documents.ts'
export type { ReadFailure, ReadOptions } from './reader.ts'
export { type SourcePattern, shownPath } from './roots.ts'
