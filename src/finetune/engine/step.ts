import type { Processor } from '../../embed/index.ts'
import { type Model, serializeModel, type ValueName } from '../../graph/index.ts'
import { type ConcreteDevice, createRunner, type HostTensors } from '../../runtime/index.ts'
import { combineSeeds } from '../../shared/index.ts'
import type { Batch } from '../data/collate.ts'
import type { Loss } from '../losses/loss.ts'
import type { Parameter, ParameterGradient } from '../optimizer/parameters.ts'
import type { Tower } from '../tower/tower.ts'
import { type GroupOptions, groupFeeds, parameterFeeds, rowFeeds } from './feeds.ts'
import { addGradients, floatsOf, gradientsOf, scalarOf } from './gradients.ts'
import { keep } from './kept.ts'
import { buildChunkGraph, buildEncodeGraph, buildLossGraph, buildStepGraph } from './step-graph.ts'

export interface StepperOptions {
  readonly tower: Tower
  readonly processor: Processor
  readonly loss: Loss
  readonly parameters: ReadonlyMap<ValueName, Parameter>
  readonly device: ConcreteDevice
  readonly threads: number
}

export interface StepResult {
  readonly loss: number
  readonly gradients: Map<ValueName, ParameterGradient>
}

/** Gives loss and gradients of a batch at the current weights. Sessions are made when first needed and kept. */
export interface Stepper {
  /** All texts at once: one session. Dropout follows from the seed. */
  oneShot(batch: Batch, seed: number): Promise<StepResult>
  /** The same in chunks, each a group of the batch: memory stays that of a chunk, for one more forward pass (gradient cache: Gao et al. 2021, arXiv:2101.06983). */
  chunked(batch: Batch, seed: number): Promise<StepResult>
  close(): Promise<void>
}

export function createStepper({ tower, processor, loss, parameters, device, threads }: StepperOptions): Stepper {
  const weights = parameterFeeds(parameters)
  const open = async <G extends { readonly model: Model }>(graph: G, { keepMemory = true } = {}) => ({
    graph,
    runner: await createRunner(serializeModel(graph.model), { device, threads, planMemory: false, keepMemory }),
  })
  const steps = keep((groups: number, negatives: boolean) => open(buildStepGraph(tower, { loss, groups, negatives })))
  const encoders = keep(() => open(buildEncodeGraph(tower)))
  const losses = keep((negatives: boolean) => open(buildLossGraph(tower, { loss, negatives }), { keepMemory: false }))
  const chunks = keep(() => open(buildChunkGraph(tower)))

  const feedsOf = (items: readonly unknown[], options: GroupOptions) => groupFeeds(tower, processor, options, items)

  return {
    async oneShot(batch, seed) {
      const { graph, runner } = await steps.get(batch.groups.length, batch.negatives.length > 0)
      const texts = batch.groups.map((group, i) => feedsOf(group, { group: i, seed: combineSeeds(seed, i) }))
      const feeds = Object.assign({}, weights, rowFeeds(batch), ...texts)
      const results = await runner.run(feeds)
      return { loss: scalarOf(results, graph.loss), gradients: gradientsOf(graph, feeds, results) }
    },

    async chunked(batch, seed) {
      const chunkFeeds = (group: readonly unknown[], i: number) =>
        feedsOf(group, { group: 0, seed: combineSeeds(seed, i) })
      const encode = await encoders.get()
      const embeddings = new Float32Array(batch.groups.reduce((sum, { length }) => sum + length, 0) * tower.dimensions)
      let offset = 0
      for (const [i, group] of batch.groups.entries()) {
        const results = await encode.runner.run({ ...weights, ...chunkFeeds(group, i) })
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
      for (const [i, group] of batch.groups.entries()) {
        const size = group.length * tower.dimensions
        const feeds: HostTensors = {
          ...weights,
          ...chunkFeeds(group, i),
          upstream: {
            dtype: 'float32',
            dims: [group.length, tower.dimensions],
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
