/** What is used of LanceDB and Arrow; imported when a store is first opened, so that importing this package loads neither. */
export { connect, Index, makeArrowTable } from '@lancedb/lancedb'
export { seenSchema, tableSchema } from './arrow-schema.ts'
