import { createHash } from 'node:crypto'
import {
  locateModel,
  readTransformer,
  type TransformerFiles,
  textProcessorOf,
  textRecipeOf,
} from '../../embed/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { readTower } from '../tower/read-tower.ts'
import type { TowerSource } from './tower-source.ts'

export interface PretrainedOptions {
  /** Longer texts are cut; null for what the model reads. */
  readonly maxTokens: number | null
  /** Probability with which values are dropped out while training. */
  readonly dropout: number
  readonly cacheDir?: string
  readonly localOnly?: boolean
}

/** A transformer for texts out of a folder, or of the hub by its name. */
export function pretrained(model: string, { maxTokens, dropout, ...place }: PretrainedOptions): TowerSource {
  return {
    async open() {
      const source = await locateModel(model, place)
      const files = await readTransformer(source, { dtype: 'fp32' })
      const maximumTokens = maximumOf(maxTokens, files)
      const tower = await readTower(files, { processor: textProcessorOf(files, maximumTokens), dropout })
      const { family } = files.settings
      const read = JSON.stringify([files.settings, files.prompts, files.tokenizerFile])
      const modelSha256 = createHash('sha256').update(tower.identity()).update(read).digest('hex')
      return {
        tower: { ...tower, write: (folder, values) => tower.write(folder, values, { maximumTokens }) },
        processor: textRecipeOf(files, maximumTokens),
        identity: { model, modelSha256, maxTokens: maximumTokens, dropout },
        folder: source.root,
        ...(family === undefined ? {} : { family }),
      }
    },
  }
}

/** Longest text in tokens: at most what the model reads, and longer than what every text begins and ends with. */
function maximumOf(maxTokens: number | null, { tokenizer, prompts }: TransformerFiles): number {
  const most = tokenizer.maximumTokens
  const least = tokenizer.specialTokens + Math.max(prompts.query.tokens, prompts.document.tokens) + 1
  if (maxTokens === null) return most
  if (maxTokens > most) {
    throw new QontrastError(
      'invalid-option',
      `maxTokens (--max-tokens) must be at most ${most}, the longest text that the model's folder allows; got ${maxTokens}.`,
    )
  }
  if (maxTokens < least) {
    throw new QontrastError(
      'invalid-option',
      `maxTokens (--max-tokens) must be at least ${least}, which is one token beside the model's special tokens and prompt; got ${maxTokens}.`,
    )
  }
  return maxTokens
}
