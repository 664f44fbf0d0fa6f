import type { FinetuneEvent } from './engine/events.ts'
import type { FinetuneOptions } from './options.ts'

/**
 * Fine-tunes a text encoder on pairs and exports it to `out`, a folder that `loadEncoder`, transformers.js and sentence-transformers open.
 * Yields what happens as it happens; each event is also a line of `out/run/metrics.jsonl`. The same seed gives the same weights, bit for bit
 * on the same machine; a run that was stopped goes on with `resume` and ends with the weights it would have had.
 * Computes on the calling thread, a step at a time. Throws `model-invalid` for a model that cannot be trained, `invalid-input` for unusable
 * pairs, `invalid-option`, `training-diverged` where the loss is no number any more, `disk-full`, `device-unavailable`, `aborted`.
 */
export async function* finetune(options: FinetuneOptions): AsyncGenerator<FinetuneEvent, void, undefined> {
  const { train } = await import('./engine/train.ts') // brings the graph engine, which indexing does without
  yield* train(options)
}
