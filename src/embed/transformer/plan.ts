import type { JsonObject } from '../../shared/index.ts'
import type { PoolingMode } from '../head/pooling.ts'
import type { Dtype, ModelFile } from './model-file.ts'
import type { VectorModule } from './modules.ts'
import { type ChosenOutput, chooseOutput } from './outputs.ts'
import type { TransformerSettings } from './settings.ts'

/** Raised whenever this package computes other vectors from the same facts and files. */
const transformerVersion = 2

/**
 * What is taken of a transformer and what is made of it, as plain data: the encoder computes from it, and the fingerprint is made of it.
 */
export interface TransformerPlan {
  readonly dtype: Dtype
  readonly output: ChosenOutput
  /** How tokens become a vector, and what is done with it, in order; empty where the model's output is the vector itself. */
  readonly pooling: readonly PoolingMode[] | undefined
  readonly after: readonly VectorModule[]
}

export interface PlanFacts {
  readonly dtype: Dtype
  readonly model: ModelFile
  readonly settings: TransformerSettings
  /** Whether a prompt's tokens are to be left out of pooling. */
  readonly skips: boolean
  /** Name of the output that was asked for. */
  readonly output: string | undefined
}

export function makePlan({ dtype, model, settings, skips, output }: PlanFacts): TransformerPlan {
  const chosen = chooseOutput(model.outputs, { asked: output, tokensWanted: skips })
  const whole = chosen.holds === 'texts'
  return {
    dtype,
    output: chosen,
    pooling: whole ? undefined : settings.pooling.modes,
    after: whole ? [] : settings.after,
  }
}

/**
 * Every fact that changes a document's vector: those of the processor (tokens and the document's prompt), of the model's output and of what
 * follows it. What changes no document's vector is not here: the query's prompt, the device, batches. Indexes keep a hash of this as JSON:
 * the order of its keys stays.
 */
export function factsOf(plan: TransformerPlan, processor: JsonObject, dimensions: number): JsonObject {
  const { dtype, output, pooling, after } = plan
  const reading = {
    output: { ...output },
    ...(pooling ? { pooling } : {}),
    after: after.map((module) => ({ ...module })),
  }
  return { kind: 'transformer', version: transformerVersion, dtype, ...processor, ...reading, dimensions }
}
