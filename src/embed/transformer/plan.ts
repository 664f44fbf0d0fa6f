import type { TokenizerSettings } from '../tokenizer.ts'
import type { Layer } from './layers.ts'
import type { Dtype, ModelFile } from './model-file.ts'
import type { PoolingMode, VectorModule } from './modules.ts'
import { type ChosenOutput, chooseOutput } from './outputs.ts'
import type { TransformerSettings } from './settings.ts'

/** Raised whenever this package computes other vectors from the same facts and files. */
const transformerVersion = 2

/**
 * Every fact that changes a document's vector, as plain data. The encoder computes from this object and the fingerprint is made of it, so that a fact cannot
 * be in one and not in the other. What changes no document's vector is not here: the query's prompt, the device, batches.
 */
export interface TransformerPlan {
  readonly kind: 'transformer'
  readonly version: number
  readonly dtype: Dtype
  readonly tokenizer: TokenizerSettings
  readonly document: {
    readonly prompt: string
    /** First tokens that are not pooled. */
    readonly skip: number
  }
  readonly output: ChosenOutput
  /** How tokens become a vector, and what is done with it, in order; empty where the model's output is the vector itself. */
  readonly pooling: readonly PoolingMode[] | undefined
  readonly after: readonly VectorModule[]
  /** First dimensions that are kept; undefined for all. */
  readonly dimensions: number | undefined
}

export interface PlanFacts {
  readonly dtype: Dtype
  readonly model: ModelFile
  readonly settings: TransformerSettings
  readonly document: TransformerPlan['document']
  /** Name of the output that was asked for. */
  readonly output: string | undefined
}

export function makePlan({ dtype, model, settings, document, output }: PlanFacts): TransformerPlan {
  const chosen = chooseOutput(model.outputs, { asked: output, tokensWanted: document.skip > 0 })
  const whole = chosen.holds === 'texts'
  return {
    kind: 'transformer',
    version: transformerVersion,
    dtype,
    tokenizer: settings.tokenizer,
    document,
    output: chosen,
    pooling: whole ? undefined : settings.pooling.modes,
    after: whole ? [] : settings.after,
    dimensions: undefined,
  }
}

/** The part of a plan that the process needs which runs the model, with the weights of its modules. */
export interface InferencePlan extends Pick<TransformerPlan, 'output' | 'pooling'> {
  readonly padId: number
  readonly padSide: 'left' | 'right'
  readonly layers: readonly Layer[]
}
