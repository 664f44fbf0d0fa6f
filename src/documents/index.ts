export { type ReadFailure, type ReadOptions, readableExtensions, readDocuments } from './read-documents.ts'
