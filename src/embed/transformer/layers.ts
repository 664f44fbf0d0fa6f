import { normalizeInPlace, QontrastError } from '../../shared/index.ts'
import type { ModelFolder } from '../model-folder.ts'
import { readSafetensors, type StoredTensor } from '../safetensors.ts'
import { type Activation, inside, type VectorModule } from './modules.ts'

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
export const layerNormEpsilon = 1e-5

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
export function checkWidth(layer: Layer, width: number): void {
  if (layer.kind === 'normalize') return
  const inputs = layer.kind === 'dense' ? layer.inputs : layer.weight.length
  if (inputs === width) return
  throw new QontrastError(
    'model-invalid',
    `The module in '${layer.path}' takes vectors of ${inputs} numbers; the modules before it give ${width}.`,
  )
}

/** `[inputs]` → `[outputs]`. */
export function applyLayer(input: Float32Array, layer: Layer): Float32Array {
  checkWidth(layer, input.length)
  switch (layer.kind) {
    case 'normalize':
      return normalizeInPlace(input.slice())
    case 'layer-norm':
      return layerNorm(input, layer)
    case 'dense':
      return dense(input, layer)
  }
}

function dense(input: Float32Array, { weight, bias, activation, residual, residualWeight }: DenseLayer): Float32Array {
  const activate = activationFunctions[activation]
  const product = multiply(weight, input)
  const added = residual ? (residualWeight ? multiply(residualWeight, input) : input) : undefined
  return Float32Array.from(product, (sum, row) => activate(sum + (bias?.[row] ?? 0)) + (added?.[row] ?? 0))
}

function multiply(weight: Float32Array, input: Float32Array): Float64Array {
  return Float64Array.from({ length: weight.length / input.length }, (_, row) => {
    let sum = 0
    for (let i = 0; i < input.length; i++) sum += weight[row * input.length + i]! * input[i]!
    return sum
  })
}

function layerNorm(input: Float32Array, { weight, bias }: LayerNormLayer): Float32Array {
  const mean = input.reduce((sum, x) => sum + x, 0) / input.length
  const variance = input.reduce((sum, x) => sum + (x - mean) ** 2, 0) / input.length
  const scale = 1 / Math.sqrt(variance + layerNormEpsilon)
  return input.map((x, i) => (x - mean) * scale * weight[i]! + bias[i]!)
}

const activationFunctions: Record<Activation, (x: number) => number> = {
  identity: (x) => x,
  tanh: Math.tanh,
  relu: (x) => Math.max(0, x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
}

/** Error function to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x))
}
