import type { ValueName, ValueType } from '../../graph/index.ts'
import type { HostTensor, HostTensors } from '../../runtime/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { type PoolingMode, poolings, poolingType } from '../head/pooling.ts'

/** A text as the model reads it. */
export interface TextItem {
  readonly ids: readonly number[]
  /** How many of its first tokens are not pooled. */
  readonly skip: number
  readonly cut: boolean
}

export interface Padding {
  readonly padId: number
  readonly padSide: 'left' | 'right'
}

/** Texts side by side in a rectangle. */
interface Layout {
  readonly items: readonly TextItem[]
  readonly sequence: number
  /** First position of an item within its row. */
  offset(item: TextItem): number
}

/** How each input of a text encoder is filled, by its name: with a number for the token at a position, and one for padding. */
const textInputs: Readonly<Record<ValueName, Fill>> = {
  input_ids: { tells: 'contents', token: ({ ids }, position) => ids[position] ?? 0, padding: ({ padId }) => padId },
  attention_mask: { tells: 'places', token: () => 1, padding: () => 0 },
  token_type_ids: { tells: 'contents', token: () => 0, padding: () => 0 },
  position_ids: { tells: 'places', token: (_, position) => position, padding: () => 0 },
}

interface Fill {
  /** Whether it says what a token is, or only where there is one. */
  readonly tells: 'contents' | 'places'
  token(item: TextItem, position: number): number
  padding(padding: Padding): number
}

/** Integer inputs of a model that a text encoder can give, with their dtype. */
export type TextInputs = ReadonlyMap<ValueName, 'int64' | 'int32'>

/** Whether a model's input says only where tokens are, and nothing of what they are: all others are contents. */
export function tellsPlaces(name: ValueName): boolean {
  return textInputs[name]?.tells === 'places'
}

export function isTextInput(name: ValueName): boolean {
  return Object.hasOwn(textInputs, name)
}

/** Names and types of what {@link collateTexts} gives. */
export function textFeeds(inputs: TextInputs, pooling: readonly PoolingMode[]): ReadonlyMap<ValueName, ValueType> {
  const integers = [...inputs].map(([name, dtype]) => [name, { dtype, dims: ['batch', 'sequence'] }] as const)
  return new Map<ValueName, ValueType>([
    ...integers,
    ...pooling.map((mode) => [poolings[mode].input, poolingType] as const),
  ])
}

export interface CollateOptions extends Padding {
  readonly inputs: TextInputs
  readonly pooling: readonly PoolingMode[]
  /** Tokens that each row has at least. */
  readonly shortest?: number
}

/** Everything that a text encoder is fed for texts, which are padded to the longest of them. */
export function collateTexts(items: readonly TextItem[], options: CollateOptions): HostTensors {
  const sequence = items.reduce((longest, { ids }) => Math.max(longest, ids.length), options.shortest ?? 0)
  const layout: Layout = {
    items,
    sequence,
    offset: ({ ids }) => (options.padSide === 'left' ? sequence - ids.length : 0),
  }
  const integers = [...options.inputs].map(
    ([name, dtype]) => [name, integerTensor(layout, dtype, fillOf(name), options)] as const,
  )
  const pooling = options.pooling.map((mode) => [poolings[mode].input, poolingTensor(layout, mode)] as const)
  return Object.fromEntries([...integers, ...pooling])
}

function integerTensor(layout: Layout, dtype: 'int64' | 'int32', fill: Fill, padding: Padding): HostTensor {
  const { items, sequence } = layout
  const values = new Int32Array(items.length * sequence).fill(fill.padding(padding))
  for (const [row, item] of items.entries()) {
    const base = row * sequence + layout.offset(item)
    for (let position = 0; position < item.ids.length; position++) values[base + position] = fill.token(item, position)
  }
  const dims = [items.length, sequence]
  return dtype === 'int32' ? { dtype, dims, data: values } : { dtype, dims, data: BigInt64Array.from(values, BigInt) }
}

function poolingTensor(layout: Layout, mode: PoolingMode): HostTensor {
  const { items, sequence } = layout
  const { weight } = poolings[mode]
  const data = new Float32Array(items.length * sequence)
  for (const [row, item] of items.entries()) {
    const span = { from: item.skip, to: item.ids.length }
    const base = row * sequence + layout.offset(item)
    for (let position = span.from; position < span.to; position++) data[base + position] = weight(position, span)
  }
  return { dtype: 'float32', dims: [items.length, sequence], data }
}

function fillOf(name: ValueName): Fill {
  const fill = textInputs[name]
  if (fill) return fill
  throw new QontrastError('internal', `a text encoder is not given '${name}'`)
}

/** `model-invalid` for an input that a text encoder is never given. */
export function checkTextInputs(names: readonly ValueName[]): void {
  const unknown = names.filter((name) => !isTextInput(name))
  if (unknown.length === 0) return
  throw new QontrastError(
    'model-invalid',
    `The model wants the input ${unknown.join(', ')}; a text encoder is given ${Object.keys(textInputs).join(', ')}.`,
  )
}
