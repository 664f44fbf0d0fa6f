import { type Model, serializeModel, type ValueName } from '../../../graph/index.ts'
import { createRunner, type HostTensor, type HostTensors } from '../../../runtime/index.ts'
import { combineSeeds, QontrastError } from '../../../shared/index.ts'
import type { Batch } from '../../data/collate.ts'
import { formOf, type GroupOptions, groupFeeds, passesOf, rowFeeds } from '../feeds.ts'
import { dimensionsOf, type Form } from '../graphs/forward.ts'
import {
  buildChunkGraph,
  buildEncodeGraph,
  buildLossGraph,
  buildStepGraph,
  type LossOutputs,
} from '../graphs/gradients.ts'
import { partOf } from '../recipe.ts'
import { addGradients, floatsOf, type Gradients, gradientsOf, scalarOf } from './gradients.ts'
import { keep } from './kept.ts'
import { type StepResult, stateFeeds, type WayOptions } from './way.ts'

/** What a batch gives: nothing of the state has moved yet. */
export interface BatchResult extends Omit<StepResult, 'norm'> {
  readonly gradients: Gradients
  /** Next values of buffers and of the loss's state. */
  readonly next: ReadonlyMap<ValueName, HostTensor>
}

/** Gives loss and gradients of a batch at the state of the moment. Sessions are made when first needed and kept. */
export interface BatchGradients {
  /** All texts at once: one session. Dropout follows from the seed. */
  atOnce(batch: Batch, seed: number): Promise<BatchResult>
  /** The same in chunks, each a group of the batch: memory stays that of a chunk, for one more forward pass (gradient cache: Gao et al. 2021, arXiv:2101.06983). */
  inChunks(batch: Batch, seed: number): Promise<BatchResult>
  close(): Promise<void>
}

export function createBatchGradients({ recipe, state, processor, device, threads }: WayOptions): BatchGradients {
  const values = stateFeeds(state)
  const dimensions = dimensionsOf(recipe)
  const open = async <G extends { readonly model: Model }>(graph: G, { keepMemory = true } = {}) => ({
    graph,
    runner: await createRunner(serializeModel(graph.model), { device, threads, planMemory: false, keepMemory }),
  })
  const steps = keep((form: Form) => open(buildStepGraph(recipe, form)))
  const encoders = keep((pass: string) => open(buildEncodeGraph(recipe, pass)))
  const losses = keep((embeddings: Form['embeddings']) =>
    open(buildLossGraph(recipe, { passes: [], embeddings }), { keepMemory: false }),
  )
  const chunks = keep((pass: string) => open(buildChunkGraph(recipe, pass)))

  const feedsOf = (pass: string, items: readonly unknown[], options: GroupOptions): HostTensors =>
    groupFeeds(partOf(recipe, pass).tower, processor, options, items)

  /** Embeddings of all groups, one after the other. */
  async function encode(batch: Batch, seed: number): Promise<Float32Array> {
    const passes = passesOf(batch)
    const count = batch.groups.reduce((sum, { length }) => sum + length, 0)
    const embeddings = new Float32Array(count * dimensions)
    let offset = 0
    for (const [i, group] of batch.groups.entries()) {
      const pass = passes[i] ?? ''
      const { graph, runner } = await encoders.get(pass)
      const feeds = feedsOf(pass, group, { group: 0, seed: combineSeeds(seed, i) })
      const part = floatsOf(await runner.run({ ...values, ...feeds }), graph.embeddings)
      embeddings.set(part, offset)
      offset += part.length
    }
    return embeddings
  }

  return {
    async atOnce(batch, seed) {
      const { graph, runner } = await steps.get(formOf(batch))
      const passes = passesOf(batch)
      const texts = batch.groups.map((group, i) =>
        feedsOf(passes[i] ?? '', group, { group: i, seed: combineSeeds(seed, i) }),
      )
      const feeds = Object.assign({}, values, rowFeeds(batch), ...texts)
      const results = await runner.run(feeds)
      return { ...lossOf(graph, results), gradients: gradientsOf(graph, feeds, results) }
    },

    async inChunks(batch, seed) {
      const passes = passesOf(batch)
      const embeddings = await encode(batch, seed)
      const { graph, runner } = await losses.get(formOf(batch).embeddings)
      const dims = [embeddings.length / dimensions, dimensions]
      const feeds = { ...values, ...rowFeeds(batch), embeddings: { dtype: 'float32', dims, data: embeddings } } as const
      const results = await runner.run(feeds)
      const upstream = floatsOf(results, graph.gradient)

      const gradients = gradientsOf({ gradients: graph.gradients, rowGradients: [] }, feeds, results)
      let offset = 0
      for (const [i, group] of batch.groups.entries()) {
        const size = group.length * dimensions
        const data = upstream.subarray(offset, offset + size)
        offset += size
        const pass = passes[i] ?? ''
        if (partOf(recipe, pass).follows) continue
        const chunk = await chunks.get(pass)
        const own: HostTensors = {
          ...values,
          ...feedsOf(pass, group, { group: 0, seed: combineSeeds(seed, i) }),
          upstream: { dtype: 'float32', dims: [group.length, dimensions], data },
        }
        addGradients(gradients, gradientsOf(chunk.graph, own, await chunk.runner.run(own)))
      }
      return { ...lossOf(graph, results), gradients }
    },

    async close() {
      for (const kept of [steps, encoders, losses, chunks]) await kept.close()
    },
  }
}

/** What a graph told beside gradients. */
function lossOf({ loss, metrics, next }: LossOutputs, results: HostTensors): Omit<BatchResult, 'gradients'> {
  return {
    loss: scalarOf(results, loss),
    metrics: Object.fromEntries([...metrics].map(([name, output]) => [name, scalarOf(results, output)])),
    next: new Map([...next].map(([name, output]) => [name, tensorOf(results, output)])),
  }
}

function tensorOf(results: HostTensors, name: ValueName): HostTensor {
  const tensor = results[name]
  if (tensor) return tensor
  throw new QontrastError('internal', `the graph gave no '${name}'`)
}
