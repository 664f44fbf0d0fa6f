import { createStream } from '../../shared/index.ts'
import { check } from './check.ts'
import { normalQuantile, normalShare } from './normal.ts'

/**
 * How a weight begins: gives its numbers, row-major, from uniform numbers in [0, 1). Dims are in PyTorch's order, `[out, in]` of a linear layer and
 * `[out, in / groups, …kernel]` of a convolution; fans follow from them.
 */
export type Initializer = (dims: readonly number[], random: () => number) => Float32Array<ArrayBuffer>

/** The weight of that name under a seed: the same on every machine, and whatever other weights there are. */
export function initialize(
  initializer: Initializer,
  { name, dims, seed }: { readonly name: string; readonly dims: readonly number[]; readonly seed: number },
): Float32Array<ArrayBuffer> {
  return initializer(dims, createStream(seed, name))
}

export function constant(value: number): Initializer {
  return (dims) => new Float32Array(sizeOf(dims)).fill(value)
}

export const zeros: Initializer = constant(0)
export const ones: Initializer = constant(1)

/** Evenly from `low` up to `high`. */
export function uniform({ low = 0, high = 1 }: { readonly low?: number; readonly high?: number } = {}): Initializer {
  check(low <= high, `uniform wants low ≤ high; got ${low} and ${high}`)
  return filled((random) => low + (high - low) * random())
}

export interface NormalOptions {
  readonly mean?: number
  /** Standard deviation. */
  readonly std?: number
}

export function normal({ mean = 0, std = 1 }: NormalOptions = {}): Initializer {
  check(std >= 0, `std must be a number from 0; got ${std}`)
  return filled((random) => mean + std * normalQuantile(inside(random())))
}

export interface TruncatedNormalOptions extends NormalOptions {
  /** Numbers farther from the mean than so many `std` do not occur. PyTorch's `trunc_normal_` counts its bounds, ±2, in the weight's own unit: that is `2 / std` here. */
  readonly bound?: number
}

/** A normal distribution cut at both sides, as TensorFlow and JAX have it: BERT's weights with `std` 0.02 (Devlin et al. 2019, arXiv:1810.04805). Cutting at 2 leaves 0.88 of `std`. */
export function truncatedNormal({ mean = 0, std = 1, bound = 2 }: TruncatedNormalOptions = {}): Initializer {
  check(std >= 0, `std must be a number from 0; got ${std}`)
  check(bound > 0, `bound must be a number above 0; got ${bound}`)
  const below = normalShare(-bound)
  return filled((random) => {
    const x = normalQuantile(inside(below + (1 - 2 * below) * random()))
    return mean + std * Math.min(bound, Math.max(-bound, x))
  })
}

/** Layers that follow, by what keeps the variance of activations through them: PyTorch's `calculate_gain`. */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu'

const gains: Readonly<Record<Nonlinearity, (slope: number) => number>> = {
  linear: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leakyRelu: (slope) => Math.sqrt(2 / (1 + slope * slope)),
  selu: () => 3 / 4,
}

/** How much a layer amplifies what it is given; `slope` is leakyRelu's. */
export function gainOf(nonlinearity: Nonlinearity, slope = 0.01): number {
  const gain = Object.hasOwn(gains, nonlinearity) ? gains[nonlinearity] : undefined
  check(gain !== undefined, `nonlinearity must be one of ${Object.keys(gains).join(', ')}; got '${nonlinearity}'`)
  return gain?.(slope) ?? 1
}

export interface XavierOptions {
  readonly gain?: number
}

/** Glorot and Bengio 2010: variance 2 / (fan in + fan out). */
export function xavierNormal({ gain = 1 }: XavierOptions = {}): Initializer {
  return (dims, random) => normal({ std: gain * xavierStd(dims) })(dims, random)
}

/** The same variance, evenly between −√3 and √3 of its deviation. */
export function xavierUniform({ gain = 1 }: XavierOptions = {}): Initializer {
  return (dims, random) => evenly(gain * xavierStd(dims))(dims, random)
}

export interface KaimingOptions {
  /** `fanIn` keeps the variance forward, `fanOut` backward. */
  readonly mode?: 'fanIn' | 'fanOut'
  readonly nonlinearity?: Nonlinearity
  /** Of leakyRelu; 0 is relu, √5 is what PyTorch's linear layers begin with. */
  readonly slope?: number
}

/** He et al. 2015 (arXiv:1502.01852): variance gain² / fan. */
export function kaimingNormal(options: KaimingOptions = {}): Initializer {
  const std = kaimingStd(options)
  return (dims, random) => normal({ std: std(dims) })(dims, random)
}

/** The same variance, evenly between −√3 and √3 of its deviation. */
export function kaimingUniform(options: KaimingOptions = {}): Initializer {
  const std = kaimingStd(options)
  return (dims, random) => evenly(std(dims))(dims, random)
}

/** Rows, or columns where they are fewer, that are orthogonal and of the length `gain`; axes after the first are one (Saxe et al. 2014, arXiv:1312.6120). */
export function orthogonal({ gain = 1 }: { readonly gain?: number } = {}): Initializer {
  return (dims, random) => {
    check(dims.length >= 2, `orthogonal wants at least two dims; got [${dims}]`)
    const [rows = 0, ...others] = dims
    const columns = sizeOf(others)
    const [count, length] = rows <= columns ? [rows, columns] : [columns, rows]
    const vectors = Array.from({ length: count }, () => new Float64Array(length))
    for (const vector of vectors) vector.set(vector.map(() => normalQuantile(inside(random()))))
    orthonormalize(vectors)
    const values = new Float32Array(rows * columns)
    for (const [i, vector] of vectors.entries())
      for (const [j, x] of vector.entries()) values[rows <= columns ? i * columns + j : j * columns + i] = gain * x
    return values
  }
}

/** Gram–Schmidt, twice over each vector: once leaves what rounding made. */
function orthonormalize(vectors: readonly Float64Array[]): void {
  for (const [i, vector] of vectors.entries()) {
    for (const before of [...vectors.slice(0, i), ...vectors.slice(0, i)]) {
      const along = inner(vector, before)
      for (let j = 0; j < vector.length; j++) vector[j]! -= along * before[j]!
    }
    const length = Math.sqrt(inner(vector, vector))
    for (let j = 0; j < vector.length; j++) vector[j]! /= length
  }
}

function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function xavierStd(dims: readonly number[]): number {
  const { fanIn, fanOut } = fansOf(dims)
  return Math.sqrt(2 / (fanIn + fanOut))
}

function kaimingStd({ mode = 'fanIn', nonlinearity = 'leakyRelu', slope = 0 }: KaimingOptions) {
  check(mode === 'fanIn' || mode === 'fanOut', `mode must be fanIn or fanOut; got '${mode}'`)
  const gain = gainOf(nonlinearity, slope)
  return (dims: readonly number[]) => gain / Math.sqrt(fansOf(dims)[mode])
}

/** Numbers that one output is made of, and that one input goes into. */
function fansOf(dims: readonly number[]): { readonly fanIn: number; readonly fanOut: number } {
  const [out = 0, into = 0, ...kernel] = dims
  check(dims.length >= 2, `fans are those of weights with at least two dims; got [${dims}]`)
  return { fanIn: into * sizeOf(kernel), fanOut: out * sizeOf(kernel) }
}

function evenly(std: number): Initializer {
  const bound = Math.sqrt(3) * std
  return uniform({ low: -bound, high: bound })
}

function filled(draw: (random: () => number) => number): Initializer {
  return (dims, random) => {
    const values = new Float32Array(sizeOf(dims))
    for (let i = 0; i < values.length; i++) values[i] = draw(random)
    return values
  }
}

/** Uniform numbers have 32 bits and include 0, where the quantile is infinite. */
function inside(share: number): number {
  return Math.min(1 - 2 ** -33, Math.max(2 ** -33, share))
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}
