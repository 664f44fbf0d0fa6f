import type { TokenBatch, TransformerFiles } from '../../embed/index.ts'
import { type Model, serializeModel, type ValueName } from '../../graph/index.ts'
import { createRunner, type Device, type HostTensors } from '../../runtime/index.ts'
import type { Batch } from '../data/collate.ts'
import type { Loss } from '../losses/loss.ts'
import type { Parameter, ParameterGradient } from '../optimizer/parameters.ts'
import { groupFeeds, parameterFeeds, rowFeeds } from './feeds.ts'
import { addGradients, floatsOf, gradientsOf, scalarOf } from './gradients.ts'
import { keep } from './kept.ts'
import { buildChunkGraph, buildEncodeGraph, buildLossGraph, buildStepGraph } from './step-graph.ts'
import type { Tower } from './tower.ts'

export interface StepperOptions {
  readonly tower: Tower
  readonly files: TransformerFiles
  readonly loss: Loss
  readonly parameters: ReadonlyMap<ValueName, Parameter>
  readonly device: Device
  readonly threads: number
}

export interface StepResult {
  readonly loss: number
  readonly gradients: Map<ValueName, ParameterGradient>
}

/** Gives loss and gradients of a batch at the current weights. Sessions are made when first needed and kept. */
export interface Stepper {
  /** All texts at once: one session. */
  oneShot(batch: Batch): Promise<StepResult>
  /** The same in chunks, each a group of the batch: memory stays that of a chunk, for one more forward pass (gradient cache: Gao et al. 2021, arXiv:2101.06983). */
  chunked(batch: Batch): Promise<StepResult>
  close(): Promise<void>
}

export function createStepper({ tower, files, loss, parameters, device, threads }: StepperOptions): Stepper {
  const weights = parameterFeeds(parameters)
  const open = async <G extends { readonly model: Model }>(graph: G, { keepMemory = true } = {}) => ({
    graph,
    runner: await createRunner(serializeModel(graph.model), { device, threads, planMemory: false, keepMemory }),
  })
  const steps = keep((groups: number, negatives: boolean) => open(buildStepGraph(tower, { loss, groups, negatives })))
  const encoders = keep(() => open(buildEncodeGraph(tower)))
  const losses = keep((negatives: boolean) => open(buildLossGraph(tower, { loss, negatives }), { keepMemory: false }))
  const chunks = keep(() => open(buildChunkGraph(tower)))

  const feedsOf = (batch: TokenBatch, group: number): HostTensors => groupFeeds(tower, files, group, batch)

  return {
    async oneShot(batch) {
      const { graph, runner } = await steps.get(batch.groups.length, batch.negatives.length > 0)
      const feeds = Object.assign({}, weights, rowFeeds(batch), ...batch.groups.map(feedsOf))
      const results = await runner.run(feeds)
      return { loss: scalarOf(results, graph.loss), gradients: gradientsOf(graph, feeds, results) }
    },

    async chunked(batch) {
      const encode = await encoders.get()
      const embeddings = new Float32Array(
        batch.groups.reduce((sum, { lengths }) => sum + lengths.length, 0) * tower.dimensions,
      )
      let offset = 0
      for (const group of batch.groups) {
        const results = await encode.runner.run({ ...weights, ...feedsOf(group, 0) })
        const part = floatsOf(results, encode.graph.embeddings)
        embeddings.set(part, offset)
        offset += part.length
      }

      const lossOf = await losses.get(batch.negatives.length > 0)
      const dims = [embeddings.length / tower.dimensions, tower.dimensions]
      const onEmbeddings = await lossOf.runner.run({
        ...rowFeeds(batch),
        embeddings: { dtype: 'float32', dims, data: embeddings },
      })
      const upstream = floatsOf(onEmbeddings, lossOf.graph.gradient)

      const chunk = await chunks.get()
      const gradients = new Map<ValueName, ParameterGradient>()
      offset = 0
      for (const group of batch.groups) {
        const size = group.lengths.length * tower.dimensions
        const feeds: HostTensors = {
          ...weights,
          ...feedsOf(group, 0),
          upstream: {
            dtype: 'float32',
            dims: [group.lengths.length, tower.dimensions],
            data: upstream.subarray(offset, offset + size),
          },
        }
        addGradients(gradients, gradientsOf(chunk.graph, feeds, await chunk.runner.run(feeds)))
        offset += size
      }
      return { loss: scalarOf(onEmbeddings, lossOf.graph.loss), gradients }
    },

    async close() {
      for (const kept of [steps, encoders, losses, chunks]) await kept.close()
    },
  }
}
