import type { PairsReport } from './data/pairs.ts'
import type { TrainEvent } from './engine/events.ts'
import type { FinetuneOptions } from './options.ts'

/** What fine-tuning tells as it goes; `data` of its first event is what became of the file of pairs, where they came from one. */
export type FinetuneEvent = TrainEvent<PairsReport | undefined>

/**
 * Fine-tunes a text encoder on pairs and exports it to `out`, a folder that `loadEncoder`, transformers.js and sentence-transformers open.
 * Yields what happens as it happens; each event is also a line of `out/run/metrics.jsonl`. The same seed gives the same weights, bit for bit
 * on the same machine; a run that was stopped goes on with `resume` and ends with the weights it would have had.
 * Steps are taken on a thread of their own, one at a time. Throws `model-invalid` for a model that cannot be trained, `invalid-input` for unusable
 * pairs, `invalid-option`, `training-diverged` where the loss is no number any more, `disk-full`, `device-unavailable`, `aborted`.
 */
export async function* finetune(options: FinetuneOptions): AsyncGenerator<FinetuneEvent, void, undefined> {
  const { finetuneOnPairs } = await import('./finetune-on-pairs.ts') // brings the graph engine, which indexing does without
  yield* finetuneOnPairs(options)
}
