export { describeEvaluator, type Evaluator, type KnnOptions, knnEvaluator, similarityEvaluator } from './evaluators.ts'
export { readJudgements } from './judgements.ts'
export {
  averagePrecisionAt,
  defaultMeasures,
  isMeasure,
  type Measure,
  measureOf,
  mrrAt,
  ndcgAt,
  precisionAt,
  type Ranking,
  type RankingMetric,
  type Rankings,
  type Relevance,
  recallAt,
  type ScoreOptions,
  scoreRankings,
  spearman,
} from './metrics.ts'
export {
  type ReadRetrievalOptions,
  type RetrievalData,
  type RetrievalDocument,
  type RetrievalQueries,
  readRetrievalData,
  readRetrievalQueries,
} from './retrieval-data.ts'
export {
  type Labelled,
  type LabelledData,
  type ReadLabelledOptions,
  type ReadSimilarityOptions,
  readLabelledData,
  readSimilarityData,
  type SimilarityData,
} from './scored-data.ts'
export { type EvaluationTask, evaluationTasks, taskOf } from './task.ts'
