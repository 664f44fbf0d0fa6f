import type { ValueName } from '../../../graph/index.ts'
import { createRunner, type HostTensor, type HostTensors } from '../../../runtime/index.ts'
import { combineSeeds, QontrastError } from '../../../shared/index.ts'
import type { Batch, Group } from '../../data/batch.ts'
import { passOf, type StepFacts } from '../facts.ts'
import { formOf, type GroupOptions, groupFeeds, rowFeeds } from '../feeds.ts'
import type { Form } from '../graphs/forward.ts'
import type { LossOutputs } from '../graphs/gradients.ts'
import { embeddingsInput } from '../graphs/names.ts'
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

export function createBatchGradients({ facts, graphs, state, device, threads }: WayOptions): BatchGradients {
  const values = stateFeeds(state)
  const dimensionsOf = (pass: string) => passOf(facts, pass).dimensions
  const open = async <G extends { readonly bytes: Uint8Array }>(asked: Promise<G>, { keepMemory = true } = {}) => {
    const { bytes, ...graph } = await asked
    return { graph, runner: await createRunner(bytes, { device, threads, planMemory: false, keepMemory }) }
  }
  const steps = keep((form: Form) => open(graphs.step(form)))
  const encoders = keep((pass: string) => open(graphs.encode({ passes: [pass], embeddings: {} })))
  const losses = keep((embeddings: Form['embeddings']) =>
    open(graphs.loss({ passes: [], embeddings }), { keepMemory: false }),
  )
  const chunks = keep((pass: string) => open(graphs.chunk({ passes: [pass], embeddings: {} })))

  const feedsOf = (group: Group, options: GroupOptions) => groupFeeds(facts, group, options)

  /** For each pass, the embeddings of all its groups, one after the other. */
  async function encode(batch: Batch, seed: number): Promise<ReadonlyMap<string, Float32Array>> {
    const places = placesOf(batch, facts)
    const embeddings = new Map([...places.sizes].map(([pass, size]) => [pass, new Float32Array(size)]))
    for (const [i, group] of batch.groups.entries()) {
      const { graph, runner } = await encoders.get(group.pass)
      const feeds = feedsOf(group, { group: 0, seed: combineSeeds(seed, i) })
      const part = floatsOf(await runner.run({ ...values, ...feeds }), graph.embeddings)
      embeddings.get(group.pass)?.set(part, places.offsets[i])
    }
    return embeddings
  }

  return {
    async atOnce(batch, seed) {
      const { graph, runner } = await steps.get(formOf(batch))
      const items = batch.groups.map((group, i) => feedsOf(group, { group: i, seed: combineSeeds(seed, i) }))
      const feeds = Object.assign({}, values, rowFeeds(batch), ...items)
      const results = await runner.run(feeds)
      return { ...lossOf(graph, results), gradients: gradientsOf(graph, feeds, results) }
    },

    async inChunks(batch, seed) {
      const embeddings = await encode(batch, seed)
      const { graph, runner } = await losses.get(formOf(batch).embeddings)
      const given = [...embeddings].map(([pass, data]) => [embeddingsInput(pass), matrixOf(data, dimensionsOf(pass))])
      const feeds: HostTensors = { ...values, ...rowFeeds(batch), ...Object.fromEntries(given) }
      const results = await runner.run(feeds)

      const gradients = gradientsOf({ gradients: graph.gradients, rowGradients: [] }, feeds, results)
      const { offsets } = placesOf(batch, facts)
      for (const [i, group] of batch.groups.entries()) {
        const output = graph.upstream.get(group.pass)
        if (output === undefined) continue
        const dimensions = dimensionsOf(group.pass)
        const from = offsets[i] ?? 0
        const upstream = floatsOf(results, output).subarray(from, from + group.items * dimensions)
        const chunk = await chunks.get(group.pass)
        const own: HostTensors = {
          ...values,
          ...feedsOf(group, { group: 0, seed: combineSeeds(seed, i) }),
          upstream: matrixOf(upstream, dimensions),
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

/** How many numbers the embeddings of each pass are, and where among them those of each group begin. */
function placesOf({ groups }: Batch, facts: StepFacts) {
  const sizes = new Map<string, number>()
  const offsets = groups.map(({ pass, items }) => {
    const offset = sizes.get(pass) ?? 0
    sizes.set(pass, offset + items * passOf(facts, pass).dimensions)
    return offset
  })
  return { sizes, offsets }
}

function matrixOf(data: Float32Array, columns: number): HostTensor {
  return { dtype: 'float32', dims: [data.length / columns, columns], data }
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
