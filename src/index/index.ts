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
} from './duplicates/duplicates.ts'
export { type EvaluateSearchOptions, evaluateSearch, type SearchEvaluation } from './evaluate/evaluate-search.ts'
export { type RetrievalOptions, type RetrievalReport, retrievalEvaluator } from './evaluate/retrieval-evaluator.ts'
export { type Fields, type FieldType, fieldsProblem, fieldTypes, mostFields } from './filter/fields.ts'
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
} from './filter/index.ts'
export { type IndexInfo, listIndexes } from './generations/describe-index.ts'
export type { LoadByName } from './generations/encoders.ts'
export { dropIndex, ensureIndex, indexNotFound } from './generations/generations.ts'
export type {
  DocumentInput,
  DocumentInputs,
  FieldsOf,
  FilterInput,
  PlainFilter,
  StoredPayload,
} from './payload/payload-types.ts'
export { type CopyOptions, type CopyReport, copyIndex, type IndexPlace } from './reindex/copy-index.ts'
export type { ReindexProgress, ReindexReport } from './reindex/move-to.ts'
export {
  dropOldIndex,
  type ReindexOptions,
  type RollbackOptions,
  reindex,
  rollbackIndex,
} from './reindex/reindex.ts'
export { type UndoUpgradeOptions, type UpgradeOptions, undoUpgrade, upgradeIndex } from './reindex/upgrade.ts'
export { checkNarrows } from './search/check-search.ts'
export type { Hit } from './search/hit.ts'
export { type DocumentPage, scrollDocuments } from './search/scroll-documents.ts'
export type { Examples } from './search/search-like.ts'
export { type SearchOptions, type SearchQuery, searchKeys } from './search/search-options.ts'
export {
  type CallOptions,
  type OpenIndexOptions,
  openIndex,
  type ScrollOptions,
  type SearchIndex,
} from './search-index.ts'
export { textContent } from './stores/content.ts'
export {
  type CollectionDriver,
  defineStore,
  type StoreDriver,
  type StoredPage,
  type StoredPoint,
  type WalkOptions,
} from './stores/define-store.ts'
export { isOutdated, refuseOutdated } from './stores/format.ts'
export { type BackupOptions, type BackupReport, backupIndexes } from './stores/lancedb/backup.ts'
export { type LanceDbOptions, lancedb } from './stores/lancedb.ts'
export { indexNamePattern, indexNameProblem, indexNames } from './stores/names.ts'
export { type ForeignOptions, type QdrantOptions, qdrant } from './stores/qdrant.ts'
export type { RankOptions, Side } from './stores/query-collection.ts'
export type { Found } from './stores/ranking.ts'
export {
  type CollectionInfo,
  type CollectionParts,
  type CollectionSchema,
  type Content,
  type Fusion,
  type KeyPage,
  type MaintenanceRun,
  type Point,
  type PointKey,
  type PointRecord,
  type Ranking,
  type ScoredPoint,
  type Scores,
  type ScrollPage,
  type SearchMode,
  type Selector,
  type StoreCapabilities,
  type StoreQuery,
  type TextContent,
  unknownEncoder,
  type VectorStore,
} from './stores/store.ts'
export type { Chunking, ChunkSettings } from './text/chunk-settings.ts'
export { lexicalTerms } from './text/lexical.ts'
export { type MarkedPassage, markPassage } from './text/mark-passage.ts'
export { type AddOptions, type AddProgress, type AddReport, reportOf } from './write/add-documents.ts'
export { idBytes, longestId, tenantPrefix } from './write/id-bytes.ts'
export type { Failure } from './write/prepare.ts'
export type { StoredDocument } from './write/prune.ts'
export type { Shard } from './write/shard.ts'
