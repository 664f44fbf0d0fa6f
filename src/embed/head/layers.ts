import { float32Tensor, type GraphBuilder, type OpName, type TensorValue, type ValueName } from '../../graph/index.ts'
import { QontrastError, readSafetensors, type StoredTensor } from '../../shared/index.ts'
import type { ModelFolder } from '../model-folder.ts'
import { type Activation, inside, type VectorModule } from '../transformer/modules.ts'

/** A module on a text's vector together with its weights. */
export type Layer = DenseLayer | LayerNormLayer | { readonly kind: 'normalize' }

/** `activation(W x + b)`, `W` is `[outputs, inputs]` row-major; with `residual`, `x` is added, or `R x` where the sizes differ. */
export interface DenseLayer {
  readonly kind: 'dense'
  readonly path: string
  readonly activation: Activation
  readonly residual: boolean
  readonly inputs: number
  readonly weight: Float32Array
  readonly bias: Float32Array | undefined
  readonly residualWeight: Float32Array | undefined
}

export interface LayerNormLayer {
  readonly kind: 'layer-norm'
  readonly path: string
  readonly weight: Float32Array
  readonly bias: Float32Array
}

/** PyTorch's standard, which sentence-transformers does not change. */
const layerNormEpsilon = 1e-5

/** Reads the weights that a module needs; `model-invalid` where they are missing. */
export async function readLayer(folder: ModelFolder, module: VectorModule): Promise<Layer> {
  if (module.kind === 'normalize') return module
  const name = inside(module.path, 'model.safetensors')
  const file = await folder.open(name)
  if (!file)
    throw new QontrastError(
      'model-invalid',
      `${folder.root}/${name} is missing, the weights of a ${module.kind} module.`,
    )
  const tensors = await readSafetensors(file)
  const tensor = (key: string): StoredTensor => {
    const found = tensors.get(key)
    if (found) return found
    throw new QontrastError('model-invalid', `${file} has no tensor '${key}'.`)
  }
  if (module.kind === 'layer-norm') {
    return { ...module, weight: tensor('norm.weight').toFloat32(), bias: tensor('norm.bias').toFloat32() }
  }
  const { shape } = tensor('linear.weight')
  const bias = tensors.get('linear.bias')
  const residual = module.residual && shape[0] !== shape[1] ? tensor('residual.weight') : undefined
  if (
    shape.length !== 2 ||
    (bias && `${bias.shape}` !== `${shape[0]}`) ||
    (residual && `${residual.shape}` !== `${shape}`)
  )
    throw new QontrastError(
      'model-invalid',
      `${file} has weights that do not fit together: linear.weight is [${shape}].`,
    )
  return {
    ...module,
    inputs: shape[1] ?? 0,
    weight: tensor('linear.weight').toFloat32(),
    bias: bias?.toFloat32(),
    residualWeight: residual?.toFloat32(),
  }
}

/** `model-invalid` for a layer that takes vectors of another size. */
function checkWidth(layer: Layer, width: number): void {
  if (layer.kind === 'normalize') return
  const inputs = layer.kind === 'dense' ? layer.inputs : layer.weight.length
  if (inputs === width) return
  throw new QontrastError(
    'model-invalid',
    `The module in '${layer.path}' takes vectors of ${inputs} numbers; the modules before it give ${width}.`,
  )
}

/** Where the weights of a layer go: they become inputs where they are trained, constants where they are not. */
export type PlaceWeights = (name: ValueName, tensor: TensorValue) => ValueName

/** Appends a layer to vectors `[batch, inputs]`; its weights are named by its folder and by their names in its file. */
export function appendLayer(g: GraphBuilder, input: ValueName, layer: Layer, place: PlaceWeights): ValueName {
  const columns = g.dimsOf(input)[1]
  if (typeof columns !== 'number')
    throw new QontrastError('internal', `a ${layer.kind} layer on vectors of no fixed size`)
  checkWidth(layer, columns)
  switch (layer.kind) {
    case 'normalize':
      return normalize(g, input)
    case 'layer-norm':
      return layerNorm(g, input, layer, place)
    case 'dense':
      return dense(g, input, layer, place)
  }
}

/** PyTorch divides by this at least. */
const smallestNorm = 1e-12

function normalize(g: GraphBuilder, input: ValueName): ValueName {
  const norms = g.op('ReduceL2', [input, g.ints([1])], { keepdims: 1 })
  return g.op('Div', [input, g.op('Max', [norms, g.scalar(smallestNorm)])])
}

function layerNorm(g: GraphBuilder, input: ValueName, { path, weight, bias }: LayerNormLayer, place: PlaceWeights) {
  const scale = place(`${path}/norm.weight`, float32Tensor(weight, [weight.length]))
  const shift = place(`${path}/norm.bias`, float32Tensor(bias, [bias.length]))
  const attributes = { axis: -1, epsilon: { float: layerNormEpsilon } }
  return g.op('LayerNormalization', [input, scale, shift], attributes)
}

function dense(g: GraphBuilder, input: ValueName, layer: DenseLayer, place: PlaceWeights): ValueName {
  const { path, inputs, weight, bias, activation, residual, residualWeight } = layer
  const outputs = weight.length / inputs
  const linear = (name: string, values: Float32Array, shift?: Float32Array) => {
    const terms = [input, place(`${path}/${name}.weight`, float32Tensor(values, [outputs, inputs]))]
    if (shift) terms.push(place(`${path}/${name}.bias`, float32Tensor(shift, [outputs])))
    return g.op('Gemm', terms, { transB: 1 })
  }
  const op = activationOps[activation]
  const sums = linear('linear', weight, bias)
  const activated = op ? g.op(op, [sums]) : sums
  if (!residual) return activated
  return g.op('Add', [activated, residualWeight ? linear('residual', residualWeight) : input])
}

const activationOps = {
  identity: undefined,
  tanh: 'Tanh',
  relu: 'Relu',
  gelu: 'Gelu',
  sigmoid: 'Sigmoid',
} as const satisfies Record<Activation, OpName | undefined>
