/**
 * A convolution layer by layer: what it gives, the gradient of its image and that of its weights, each in all its forms (the one that training uses is
 * marked), and PyTorch's beside them where PYTHON names an interpreter that has torch. Least and median of the rounds; forms take turns.
 *
 *     npm run bench:conv
 */
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import {
  type Convolution,
  convAttributes,
  imageForms,
  imageGradient,
  weightForms,
  weightGradient,
} from '../src/finetune/autodiff/rules/convolution-forms.ts'
import {
  createBuilder,
  type GraphBuilder,
  printGraph,
  serializeModel,
  sizeOf,
  type ValueName,
} from '../src/graph/index.ts'
import { createRunner } from '../src/runtime/index.ts'
import { machine, median } from './support/sides.ts'

interface Layer {
  readonly batch: number
  readonly channels: number
  readonly filters: number
  /** Height and width of the image, and of the window. */
  readonly size: number
  readonly kernel: number
  readonly stride: number
  readonly group?: number
}

const layers: readonly Layer[] = [
  { batch: 256, channels: 16, filters: 16, size: 32, kernel: 3, stride: 1 },
  { batch: 256, channels: 16, filters: 32, size: 32, kernel: 3, stride: 2 },
  { batch: 256, channels: 32, filters: 32, size: 16, kernel: 3, stride: 1 },
  { batch: 256, channels: 64, filters: 64, size: 8, kernel: 3, stride: 1 },
  { batch: 32, channels: 64, filters: 64, size: 32, kernel: 3, stride: 1 },
  { batch: 32, channels: 256, filters: 256, size: 8, kernel: 3, stride: 1 },
  { batch: 256, channels: 3, filters: 16, size: 32, kernel: 3, stride: 1 }, // a small image's first
  { batch: 16, channels: 3, filters: 64, size: 128, kernel: 7, stride: 2 }, // ResNet's first
  { batch: 16, channels: 3, filters: 192, size: 128, kernel: 16, stride: 16 }, // ViT's patches
  { batch: 32, channels: 256, filters: 64, size: 16, kernel: 1, stride: 1 }, // a bottleneck's
  { batch: 32, channels: 96, filters: 96, size: 16, kernel: 3, stride: 1, group: 96 }, // MobileNet's
  { batch: 32, channels: 96, filters: 96, size: 16, kernel: 7, stride: 1, group: 96 }, // ConvNeXt's
  { batch: 32, channels: 64, filters: 64, size: 16, kernel: 3, stride: 1, group: 4 }, // ResNeXt's
]
const [rounds, warm] = [8, 2]

type Write = (g: GraphBuilder) => ValueName

const python = process.env['PYTHON']
if (!python) console.error('skipped: the side in Python (PYTHON is an interpreter that has torch)')
console.log(`${machine()}; ms, least / median; → is what training takes\n`)
console.log('| layer | forward | to the image | to the weights |\n|---|---|---|---|')
for (const layer of layers) {
  const { batch, channels, filters, size, kernel, stride, group = 1 } = layer
  const pad = kernel === stride ? 0 : (kernel - 1) >> 1
  const output = Math.floor((size + 2 * pad - kernel) / stride) + 1
  const window = { input: size, kernel, output, stride, dilation: 1, before: pad, after: pad }
  const one: Convolution = { batch: 'batch', channels, filters, group, windows: [window, window] }
  const dims = {
    image: [batch, channels, size, size],
    weight: [filters, channels / group, kernel, kernel],
    result: [batch, filters, output, output],
  }
  const ends = { image: 'image', result: 'result' }
  const forward: Write = (g) => g.op('Conv', ['image', 'weight'], convAttributes(one.windows, group))
  const toImage = Object.entries(imageForms).flatMap(([name, form]): [string, Write][] =>
    name === 'turned' && stride > 1 ? [] : [[name, (g) => form(g, one, 'result', 'weight')]],
  )
  const toWeights = Object.entries(weightForms).map(([name, form]): [string, Write] => [
    name,
    (g) => form(g, one, ends),
  ])
  const torch = python ? pyTorch(python, layer) : {}
  const cells = [
    await timed(dims, [['', forward]], forward),
    await timed(dims, toImage, (g) => imageGradient(g, one, 'result', 'weight')),
    await timed(dims, toWeights, (g) => weightGradient(g, one, ends)),
  ].map(
    (cell, i) => `${cell}${python ? `; PyTorch ${format(torch[['forward', 'image', 'weights'][i] ?? ''] ?? [])}` : ''}`,
  )
  const name = `${batch}, ${channels}→${filters}, ${size} px, ${kernel}, ${stride}${group > 1 ? `, ${group} groups` : ''}`
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}

type Dims = Readonly<Record<'image' | 'weight' | 'result', readonly number[]>>

/** Times of each form, taken in turns. */
async function timed(dims: Dims, forms: readonly [string, Write][], chosen: Write): Promise<string> {
  const taken = textOf(dims, chosen)
  const sides = await Promise.all(
    forms.map(async ([name, write]) => ({
      name,
      run: await open(dims, write),
      isTaken: textOf(dims, write) === taken,
      ms: [] as number[],
    })),
  )
  for (let round = 0; round < rounds + warm; round++)
    for (const { run, ms } of sides) {
      const began = performance.now()
      await run()
      if (round >= warm) ms.push(performance.now() - began)
    }
  return sides.map(({ name, isTaken, ms }) => `${isTaken && name ? '→ ' : ''}${name} ${format(ms)}`.trim()).join('; ')
}

function graphOf(dims: Dims, write: Write) {
  const g = createBuilder()
  for (const [name, [, ...rest]] of Object.entries(dims)) {
    const first = name === 'weight' ? (dims.weight[0] ?? 1) : 'batch'
    g.input(name, { dtype: 'float32', dims: [first, ...rest] })
  }
  const value = write(g)
  // large results stay inside: they would be copied out
  const isLarge = typeof g.dimsOf(value)[0] === 'string'
  g.output(isLarge ? g.op('ReduceMax', [value], { keepdims: 0 }) : value)
  const graph = g.build('layer')
  const read = new Set(graph.nodes.flatMap((node) => node.inputs))
  return { ...graph, inputs: graph.inputs.filter(({ name }) => read.has(name)) }
}

function textOf(dims: Dims, write: Write): string {
  return printGraph(graphOf(dims, write))
}

async function open(dims: Dims, write: Write): Promise<() => Promise<unknown>> {
  const graph = graphOf(dims, write)
  const model = { graph, irVersion: 9, opsets: new Map([['', 20]]), functions: [] }
  const options = { device: 'cpu', threads: availableParallelism(), planMemory: false } as const
  const runner = await createRunner(serializeModel(model), options)
  const feeds = graph.inputs.map(({ name }) => {
    const own = name === 'image' ? dims.image : name === 'weight' ? dims.weight : dims.result
    const data = Float32Array.from({ length: sizeOf(own) }, (_, i) => Math.sin(0.7 * i))
    return [name, { dtype: 'float32', dims: own, data }] as const
  })
  return () => runner.run(Object.fromEntries(feeds))
}

function pyTorch(interpreter: string, layer: Layer): Readonly<Record<string, readonly number[]>> {
  const peer = fileURLToPath(new URL('peers/conv.py', import.meta.url))
  const settings = JSON.stringify({ ...layer, rounds, warm, threads: availableParallelism() })
  const output = execFileSync(interpreter, [peer, settings], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(output.trim().split('\n').at(-1) ?? '{}')
}

function format(ms: readonly number[]): string {
  return ms.length > 0 ? `${Math.min(...ms).toFixed(1)} / ${median(ms).toFixed(1)}` : '–'
}
