import type { Schemas } from '@qdrant/js-client-rest'
import { z } from 'zod'

/** What one request may ask a collection for: our own sizes, or less where its strict mode says so. */
export interface Limits {
  /** Points of one page. */
  readonly page: number
  /** Points of one answer to a query. */
  readonly hits: number
  readonly upsert: number
  readonly searches: number
  /** Ids or values in one condition. */
  readonly values: number
  readonly conditions: number
  readonly graphDepth: number
  readonly exact: boolean
  /** Whether fields without an index may be filtered on. */
  readonly unindexed: boolean
}

const usual: Limits = {
  page: 10_000,
  hits: Number.POSITIVE_INFINITY,
  upsert: 128,
  searches: 50,
  values: 1_000,
  conditions: Number.POSITIVE_INFINITY,
  /** A walk through the graph that keeps this many points gives the same ranking for every page within. */
  graphDepth: 200,
  exact: true,
  unindexed: true,
}

const size = z.number().int().nullish()
const strictSchema = z.object({
  enabled: z.boolean().nullish(),
  max_query_limit: size,
  upsert_max_batchsize: size,
  search_max_batchsize: size,
  condition_max_size: size,
  filter_max_conditions: size,
  search_max_hnsw_ef: size,
  search_allow_exact: z.boolean().nullish(),
  unindexed_filtering_retrieve: z.boolean().nullish(),
  unindexed_filtering_update: z.boolean().nullish(),
})

export function limitsOf({ config }: Pick<Schemas['CollectionInfo'], 'config'>): Limits {
  const { data: strict } = strictSchema.safeParse(config.strict_mode_config)
  if (!strict?.enabled) return usual
  const least = (ours: number, theirs: number | null | undefined) => Math.max(1, Math.min(ours, theirs ?? ours))
  return {
    page: least(usual.page, strict.max_query_limit),
    hits: least(usual.hits, strict.max_query_limit),
    upsert: least(usual.upsert, strict.upsert_max_batchsize),
    searches: least(usual.searches, strict.search_max_batchsize),
    values: least(usual.values, strict.condition_max_size),
    conditions: least(usual.conditions, strict.filter_max_conditions),
    graphDepth: least(usual.graphDepth, strict.search_max_hnsw_ef),
    exact: strict.search_allow_exact ?? true,
    unindexed: (strict.unindexed_filtering_retrieve ?? true) && (strict.unindexed_filtering_update ?? true),
  }
}
