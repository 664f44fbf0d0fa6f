export { readableExtensions, readDocuments } from './read-documents.ts'
export type { ReadFailure, ReadOptions } from './reader.ts'
