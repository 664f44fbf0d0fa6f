import type { ConcreteDevice, Device } from '../../runtime/index.ts'
import type { Encoder } from '../encoder.ts'
import { openGraphEncoder } from '../graph-encoder/graph-encoder.ts'
import { openLane } from '../graph-encoder/open-lane.ts'
import { legacyTransformer } from '../legacy-0.1.ts'
import type { ModelFolder } from '../model-folder.ts'
import type { Dtype } from './model-file.ts'
import { factsOf } from './plan.ts'
import { readTransformer } from './read-transformer.ts'
import { textProcessorOf } from './text-processor.ts'

export interface TransformerOptions {
  readonly name: string
  readonly device: Device | readonly ConcreteDevice[]
  readonly dtype: Dtype
  readonly workers: number | undefined
  /** Matryoshka cut: the first dimensions, at unit length again. */
  readonly dimensions: number | undefined
  /** Name of the model's output that vectors are taken from. */
  readonly output: string | undefined
  readonly cacheDir: string
  readonly onWarning: (message: string) => void
}

/** Tokens of one batch, padding included: the fastest on CPU (docs/architecture.md has the figures). */
const tokenBudget = 2_048

/** Opens a transformer from its folder; the model itself runs in child processes. */
export async function loadTransformerEncoder(folder: ModelFolder, options: TransformerOptions): Promise<Encoder> {
  const files = await readTransformer(folder, options)
  const { model, tokenizer, layers, plan, prompts } = files
  const { name, device, cacheDir } = options
  const processor = textProcessorOf(files)
  const lane = await openLane({
    processor,
    modelPath: model.path,
    plan: { output: plan.output.name, head: { pooling: plan.pooling, layers } },
    sample: 'a',
    budget: tokenBudget,
    device,
    workers: options.workers,
    onFallback: options.onWarning,
  })
  return openGraphEncoder([lane], {
    name,
    folder,
    dimensions: options.dimensions,
    cacheDir,
    factsOf: (dimensions) => factsOf(plan, processor.facts, dimensions),
    legacyOf: (dimensions) => legacyTransformer(files, { dimensions, cacheDir }),
    text: {
      maximumTokens: tokenizer.maximumTokens - tokenizer.specialTokens - prompts.document.tokens,
      countTokens: (text) => tokenizer.ids(text).length,
    },
  })
}
