export {
  type Labelled,
  type LabelledData,
  type RetrievalData,
  readLabelledData,
  readRetrievalData,
  readSimilarityData,
  type SimilarityData,
} from './data.ts'
export { type Evaluator, knnEvaluator, retrievalEvaluator, similarityEvaluator } from './evaluators.ts'
export {
  averagePrecisionAt,
  mrrAt,
  ndcgAt,
  type RankingMetric,
  type Rankings,
  type Relevance,
  type RetrievalScores,
  recallAt,
  scoreRankings,
  spearman,
} from './metrics.ts'
