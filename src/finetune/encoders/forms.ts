import {
  createBuilder,
  type Dims,
  declareDropout,
  exposeStatistics,
  type Graph,
  type Model,
  type TensorValue,
  type ValueName,
  type ValueType,
} from '../../graph/index.ts'
import { isKind, QontrastError } from '../../shared/index.ts'
import type { Beginning, BufferOptions, Definition, Writing } from './definition.ts'

/** Numbers by the names of weights and buffers, row-major. */
export type Values = ReadonlyMap<ValueName, Float32Array>

interface Declared<Options> {
  readonly options: Options
  readonly dims: readonly number[]
}

/** What a definition asks for. */
export interface Needs {
  readonly weights: ReadonlyMap<ValueName, Declared<Beginning>>
  readonly buffers: ReadonlyMap<ValueName, Declared<BufferOptions>>
  /** How many values are dropped from in training. */
  readonly drops: number
}

const irVersion = 9
const opsets = new Map([['', 20]])

/** The weights, buffers and places of dropout that a definition names, in its order. */
export function needsOf(definition: Definition): Needs {
  const weights = new Map<ValueName, Declared<Beginning>>()
  const buffers = new Map<ValueName, Declared<BufferOptions>>()
  let drops = 0
  writeForm(definition, (g) => ({
    training: true,
    weight(name, dims, options) {
      declare(weights, name, { dims, options })
      return g.typeOf(name) ? name : g.input(name, { dtype: 'float32', dims })
    },
    buffer(name, dims, options) {
      declare(buffers, name, { dims, options })
      return g.typeOf(name) ? name : g.input(name, { dtype: 'float32', dims })
    },
    renew() {},
    drop(value) {
      drops += 1
      return value
    },
  }))
  return { weights, buffers, drops }
}

/** The model as a file holds it: weights and buffers are constants in it. */
export function fileForm(definition: Definition, values: Values): Model {
  const { g, result } = writeForm(definition, (g) => {
    const constant = (name: ValueName, dims: readonly number[]) => {
      const numbers = values.get(name)
      if (!numbers) throw new QontrastError('internal', `the model has no numbers for '${name}'`)
      return g.tensorOf(name) ? name : g.initializer(name, tensorOf(numbers, dims))
    }
    return { training: false, weight: constant, buffer: constant, renew() {}, drop: (value) => value }
  })
  const type = g.typeOf(result)
  g.append({ name: 'output', op: 'Identity', inputs: [result], outputs: [definition.output], attributes: {} })
  if (type) g.setType(definition.output, type)
  g.output(definition.output)
  return { graph: g.build('model'), irVersion, opsets, functions: [] }
}

/** The model as it is trained: weights and buffers are inputs. */
export interface TrainingForm {
  readonly graph: Graph
  readonly types: ReadonlyMap<ValueName, ValueType>
  /** What the definition gives. */
  readonly output: ValueName
  /** Each buffer with the value that replaces it after a step. */
  readonly renewed: ReadonlyMap<ValueName, ValueName>
  /** Dims of each value that is dropped from. */
  readonly drops: readonly Dims[]
  readonly model: Omit<Model, 'graph'>
}

export function trainingForm(
  definition: Definition,
  needs: Needs,
  { dropout }: { readonly dropout: boolean },
): TrainingForm {
  const renewed = new Map<ValueName, ValueName>()
  const drops: Dims[] = []
  const { g, result } = writeForm(definition, (g) => {
    const given = (name: ValueName, dims: readonly number[]) =>
      g.typeOf(name) ? name : g.input(name, { dtype: 'float32', dims })
    const drop = dropout && needs.drops > 0 ? declareDropout(g, needs.drops, drops) : (value: ValueName) => value
    return { training: true, weight: given, buffer: given, renew: (name, next) => renewed.set(name, next), drop }
  })
  const graph = exposeStatistics(g.build('tower'))
  const types = createBuilder(graph, g.types()).types()
  const model = { irVersion, opsets: new Map([...opsets, ['com.microsoft', 1]]), functions: [] } // a step fuses its products
  return { graph, types, output: result, renewed, drops, model }
}

/** A view, as weights may be large; of shared memory a copy. */
export function tensorOf(numbers: Float32Array, dims: readonly number[]): TensorValue {
  const { buffer, byteOffset, byteLength } = numbers
  const isOwn = isKind(buffer, 'ArrayBuffer')
  const bytes = isOwn ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(numbers.slice().buffer)
  return { dtype: 'float32', dims, bytes }
}

function writeForm(definition: Definition, form: (g: Writing['g']) => Omit<Writing, 'g'>) {
  const g = createBuilder()
  const inputs = [...definition.inputs].map(([name, type]) => [name, g.input(name, type)] as const)
  const result = definition.write({ ...form(g), g }, Object.fromEntries(inputs))
  return { g, result }
}

function declare<Options>(all: Map<ValueName, Declared<Options>>, name: ValueName, own: Declared<Options>): void {
  const before = all.get(name)
  if (before && `${before.dims}` !== `${own.dims}`)
    throw new QontrastError('internal', `'${name}' is asked for as [${before.dims}] and as [${own.dims}]`)
  all.set(name, own)
}
