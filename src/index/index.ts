export { type AddOptions, type AddProgress, type AddReport, reportOf } from './add-documents.ts'
export { checkNarrows } from './check-search.ts'
export type { Chunking, ChunkSettings } from './chunk-settings.ts'
export { type CopyOptions, type CopyReport, copyIndex, type IndexPlace } from './copy-index.ts'
export { type IndexInfo, listIndexes } from './describe-index.ts'
export {
  type Cluster,
  type ClusterReport,
  type DuplicateOptions,
  type DuplicatePair,
  type DuplicateProgress,
  type DuplicateReport,
  findClusters,
  findDuplicates,
  type SimilarDocument,
} from './duplicates.ts'
export type { LoadByName } from './encoders.ts'
export { type EvaluateSearchOptions, evaluateSearch, type SearchEvaluation } from './evaluate-search.ts'
export { type Fields, type FieldType, fieldsProblem, fieldTypes, mostFields } from './fields.ts'
export {
  and,
  canonicalFilter,
  contains,
  eq,
  exists,
  type Field,
  type FieldPath,
  type Filter,
  filterLimits,
  gt,
  gte,
  isEveryPayload,
  isLeaf,
  lt,
  lte,
  matchesFilter,
  not,
  type Operand,
  oneOf,
  or,
  type PlainCondition,
  type Range,
  range,
  type Scalar,
  strayField,
  toFilter,
} from './filter.ts'
export { isOutdated, refuseOutdated } from './format.ts'
export { dropIndex, ensureIndex, indexNotFound } from './generations.ts'
export type { Hit } from './hit.ts'
export { idBytes, longestId, tenantPrefix } from './id-bytes.ts'
export { lexicalTerms } from './lexical.ts'
export { type MarkedPassage, markPassage } from './mark-passage.ts'
export type { ReindexProgress, ReindexReport } from './move-to.ts'
export { indexNamePattern, indexNameProblem, indexNames } from './names.ts'
export type {
  DocumentInput,
  DocumentInputs,
  FieldsOf,
  FilterInput,
  PlainFilter,
  StoredPayload,
} from './payload-types.ts'
export type { Failure } from './prepare.ts'
export type { StoredDocument } from './prune.ts'
export {
  dropOldIndex,
  type ReindexOptions,
  type RollbackOptions,
  reindex,
  rollbackIndex,
} from './reindex.ts'
export { type RetrievalOptions, type RetrievalReport, retrievalEvaluator } from './retrieval-evaluator.ts'
export { type DocumentPage, scrollDocuments } from './scroll-documents.ts'
export {
  type CallOptions,
  type OpenIndexOptions,
  openIndex,
  type ScrollOptions,
  type SearchIndex,
} from './search-index.ts'
export type { Examples } from './search-like.ts'
export { type SearchOptions, type SearchQuery, searchKeys } from './search-options.ts'
export type { Shard } from './shard.ts'
export {
  type CollectionInfo,
  type CollectionSchema,
  type Fusion,
  type Scores,
  type SearchMode,
  unknownEncoder,
  type VectorStore,
} from './store.ts'
export { type BackupOptions, type BackupReport, backupIndexes } from './stores/lancedb/backup.ts'
export { type LanceDbOptions, lancedb } from './stores/lancedb.ts'
export { type ForeignOptions, type QdrantOptions, qdrant } from './stores/qdrant.ts'
export { type UndoUpgradeOptions, type UpgradeOptions, undoUpgrade, upgradeIndex } from './upgrade.ts'
