import type { TokenBatch, TransformerFiles } from '../../embed/index.ts'
import { serializeModel, type ValueName } from '../../graph/index.ts'
import { createRunner, type Device, type HostTensors, type Runner } from '../../runtime/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { Batch } from '../data/collate.ts'
import type { Loss } from '../losses/loss.ts'
import type { Parameter, ParameterGradient } from '../optimizer/parameters.ts'
import { groupFeeds, parameterFeeds, rowFeeds } from './feeds.ts'
import { addGradients, gradientsOf } from './gradients.ts'
import { buildChunkGraph, buildEncodeGraph, buildLossGraph, buildStepGraph, type GradientGraph } from './step-graph.ts'
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
  const sessions = new Map<string, Promise<{ graph: unknown; runner: Runner }>>()

  async function session<G extends { readonly model: GradientGraph['model'] }>(key: string, build: () => G) {
    const opened =
      sessions.get(key) ??
      (async () => {
        const graph = build()
        return {
          graph,
          runner: await createRunner(serializeModel(graph.model), { device, threads, planMemory: false }),
        }
      })()
    sessions.set(key, opened)
    const { graph, runner } = await opened
    return { graph: graph as G, runner } // the key names what was built
  }

  const feedsOf = (batch: TokenBatch, group: number): HostTensors => groupFeeds(tower, files, group, batch)

  return {
    async oneShot(batch) {
      const groups = batch.groups.length
      const negatives = batch.negatives.length > 0
      const { graph, runner } = await session(`step ${groups} ${negatives}`, () =>
        buildStepGraph(tower, { loss, groups, negatives }),
      )
      const feeds = Object.assign({}, weights, rowFeeds(batch), ...batch.groups.map(feedsOf))
      const results = await runner.run(feeds)
      return { loss: scalar(results, graph.loss), gradients: gradientsOf(graph, feeds, results) }
    },

    async chunked(batch) {
      const negatives = batch.negatives.length > 0
      const encode = await session('encode', () => buildEncodeGraph(tower))
      const embeddings = new Float32Array(
        batch.groups.reduce((sum, { lengths }) => sum + lengths.length, 0) * tower.dimensions,
      )
      let offset = 0
      for (const group of batch.groups) {
        const results = await encode.runner.run({ ...weights, ...feedsOf(group, 0) })
        const part = floats(results, encode.graph.embeddings)
        embeddings.set(part, offset)
        offset += part.length
      }

      const lossOf = await session(`loss ${negatives}`, () => buildLossGraph(tower, { loss, negatives }))
      const dims = [embeddings.length / tower.dimensions, tower.dimensions]
      const onEmbeddings = await lossOf.runner.run({
        ...rowFeeds(batch),
        embeddings: { dtype: 'float32', dims, data: embeddings },
      })
      const upstream = floats(onEmbeddings, lossOf.graph.gradient)

      const chunk = await session('chunk', () => buildChunkGraph(tower))
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
      return { loss: scalar(onEmbeddings, lossOf.graph.loss), gradients }
    },

    async close() {
      const opened = await Promise.allSettled(sessions.values())
      sessions.clear()
      for (const outcome of opened) if (outcome.status === 'fulfilled') await outcome.value.runner.release()
    },
  }
}

function floats(results: HostTensors, name: ValueName): Float32Array {
  const tensor = results[name]
  if (tensor?.dtype === 'float32') return tensor.data
  throw new QontrastError('internal', `the graph gave no float32 '${name}'`)
}

function scalar(results: HostTensors, name: ValueName): number {
  return floats(results, name)[0] ?? Number.NaN
}
