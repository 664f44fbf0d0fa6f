import { openPairs } from './data/pair-data.ts'
import { train } from './engine/train.ts'
import type { FinetuneEvent } from './finetune.ts'
import { checkLoss } from './losses/check-loss.ts'
import { infoNce } from './losses/info-nce.ts'
import { type FreshOptions, fresh } from './methods/fresh.ts'
import { learnFromPairs } from './methods/pairs.ts'
import { pretrained } from './methods/pretrained.ts'
import type { TowerSource } from './methods/tower-source.ts'
import { modelCard } from './model-card.ts'
import { adamW } from './optimizer/adamw.ts'
import { type FinetuneOptions, runSettings } from './options.ts'

/** Pairs, an encoder and a loss → the method that learns from pairs → the engine. */
export async function* finetuneOnPairs(options: FinetuneOptions): AsyncGenerator<FinetuneEvent, void, undefined> {
  const { batchSize, maxTokens, dropout, ...settings } = runSettings(options)
  const { pairs, columns, where, skipBadLines, temperature } = options
  const loss = options.loss ?? infoNce(temperature === undefined ? {} : { temperature })
  checkLoss(loss)
  const data = await openPairs({
    pairs,
    batchSize,
    seed: settings.seed,
    ...(columns ? { columns } : {}),
    ...(where ? { where } : {}),
    ...(skipBadLines ? { skipBadLines } : {}),
  })
  const { seed } = settings
  const encoder = encoderOf(options, { seed, maxTokens, dropout })
  yield* train({
    ...runOptionsOf(options),
    method: learnFromPairs({ encoder, loss }),
    data,
    settings,
    optimizer: options.optimizer ?? adamW(),
    card: (facts) => modelCard({ ...facts, model: options.model }),
  })
}

function encoderOf({ model, cacheDir, localOnly }: FinetuneOptions, options: FreshOptions): TowerSource {
  if (typeof model !== 'string') return fresh(model, options)
  const { maxTokens, dropout } = options
  return pretrained(model, {
    maxTokens,
    dropout,
    ...(cacheDir === undefined ? {} : { cacheDir }),
    ...(localOnly === undefined ? {} : { localOnly }),
  })
}

/** What goes to the engine as it is. */
function runOptionsOf({
  out,
  resume,
  evaluator,
  evaluateEvery,
  checkpointEvery,
  device,
  threads,
  signal,
  onWarning,
}: FinetuneOptions) {
  return {
    out,
    ...(resume === undefined ? {} : { resume }),
    ...(evaluator ? { evaluator } : {}),
    ...(evaluateEvery === undefined ? {} : { evaluateEvery }),
    ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...(signal ? { signal } : {}),
    ...(onWarning ? { onWarning } : {}),
  }
}
