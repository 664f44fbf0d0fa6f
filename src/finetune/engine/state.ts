import { float32Of, sizeOf, type TensorValue, type ValueName } from '../../graph/index.ts'
import type { HostTensor } from '../../runtime/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { sharedBytes, sharedFloats, toSharedTensor } from '../tensors.ts'
import {
  isTrainable,
  lossParameter,
  lossState,
  parametersOf,
  partOf,
  partsOf,
  type Recipe,
  slotName,
} from './recipe.ts'

export interface FloatTensor {
  readonly dtype: 'float32'
  readonly dims: readonly number[]
  readonly data: Float32Array<SharedArrayBuffer>
}
type Tensors<T extends HostTensor = HostTensor> = ReadonlyMap<ValueName, T>

/**
 * Everything that a step changes, by the names that it has in the step's graph; its numbers are changed in place, in memory that threads share. Whatever takes
 * steps carries all of it, and a checkpoint holds all of it.
 */
export interface TrainState {
  /** Steps done. */
  step: number
  /** Of the towers, frozen ones too. */
  readonly weights: Tensors<FloatTensor>
  /** What the optimizer keeps for each trained weight and parameter of the loss. */
  readonly slots: Tensors<FloatTensor>
  /** Statistics that a step gives anew. */
  readonly buffers: Tensors
  /** Weights that follow others. */
  readonly shadows: Tensors<FloatTensor>
  readonly loss: { readonly parameters: Tensors<FloatTensor>; readonly state: Tensors }
}

/** The state that a run begins with. */
export function createState(recipe: Recipe): TrainState {
  const { loss, optimizer } = recipe
  const parts = [...partsOf(recipe).values()]
  const floats = (entries: Iterable<readonly [ValueName, TensorValue]>) =>
    new Map([...entries].map(([name, value]) => [name, floatOf(name, value)]))
  const weightsOf = (some: typeof parts) =>
    floats(
      some.flatMap(({ tower, weight }) =>
        [...tower.parameters].map(([name, one]) => [weight(name), one.value] as const),
      ),
    )
  const weights = weightsOf(parts.filter(({ follows }) => !follows))
  const shadows = weightsOf(parts.filter(({ follows }) => follows))
  for (const name of weights.keys()) shadows.delete(name) // frozen weights are shared
  const trained = [...parametersOf(recipe)].filter(([, one]) => isTrainable(one))
  const slots = trained.flatMap(
    ([
      name,
      {
        value: { dims },
      },
    ]) =>
      optimizer.slots.map((slot): [ValueName, FloatTensor] => {
        return [slotName(slot, name), { dtype: 'float32', dims, data: new Float32Array(sharedBytes(sizeOf(dims) * 4)) }]
      }),
  )
  return {
    step: 0,
    weights,
    slots: new Map(slots),
    buffers: new Map(
      parts.flatMap(({ tower, buffer }) =>
        [...tower.buffers].map(([name, { value }]) => [buffer(name), toSharedTensor(value)] as const),
      ),
    ),
    shadows,
    loss: {
      parameters: floats(
        Object.entries(loss.parameters ?? {}).map(([name, { value }]) => [lossParameter(name), value]),
      ),
      state: new Map(Object.entries(loss.state ?? {}).map(([name, value]) => [lossState(name), toSharedTensor(value)])),
    },
  }
}

/** The rooms of a state, as a checkpoint names them. */
export function roomsOf({ weights, slots, buffers, shadows, loss }: TrainState): Readonly<Record<string, Tensors>> {
  return { weights, slots, buffers, shadows, 'loss/parameters': loss.parameters, 'loss/state': loss.state }
}

/** All values of a state under their names in a step's graph: what a step is fed, and what comes back from it. */
export function valuesOf(state: TrainState): ReadonlyMap<ValueName, HostTensor> {
  return new Map(Object.values(roomsOf(state)).flatMap((room) => [...room]))
}

/** A tower's weights and buffers by its own names, as it writes them down. */
export function towerValues(
  recipe: Recipe,
  { weights, buffers }: TrainState,
  name: string,
): ReadonlyMap<ValueName, Float32Array> {
  const { tower, weight, buffer } = partOf(recipe, name)
  const values = new Map<ValueName, Float32Array>()
  for (const own of tower.parameters.keys()) {
    const tensor = weights.get(weight(own))
    if (tensor) values.set(own, tensor.data)
  }
  for (const own of tower.buffers.keys()) {
    const tensor = buffers.get(buffer(own))
    if (tensor?.dtype === 'float32') values.set(own, tensor.data)
  }
  return values
}

/** Copies next values into a state; what is not given stays as it is. `model-invalid` for one that is not as large as it was. */
export function takeValues(state: TrainState, given: (name: ValueName) => HostTensor | undefined): void {
  for (const [name, tensor] of valuesOf(state)) {
    const next = given(name)
    if (next) copyInto(name, tensor, next)
  }
}

function copyInto(name: ValueName, into: HostTensor, { dtype, dims, data }: HostTensor): void {
  const fits = into.dtype === dtype && into.data.length === data.length && into.dims.length === dims.length
  if (!fits)
    throw new QontrastError(
      'model-invalid',
      `The state '${name}' is ${into.dtype} [${into.dims}], and a step gave ${dtype} [${dims}] as its next value. A state keeps its type and its size.`,
    )
  if (into.dtype === 'float32' && dtype === 'float32') into.data.set(data)
  else if (into.dtype === 'int64' && dtype === 'int64') into.data.set(data)
  else if (into.dtype === 'int32' && dtype === 'int32') into.data.set(data)
  else if (into.dtype === 'bool' && dtype === 'bool') into.data.set(data)
}

function floatOf(name: ValueName, value: TensorValue): FloatTensor {
  const { dtype, dims } = value
  if (dtype === 'float32') return { dtype, dims, data: sharedFloats(float32Of(value)) }
  throw new QontrastError('invalid-option', `'${name}' is learned, and is ${dtype}. Learned values are float32.`)
}
