import { QontrastError } from '../shared/index.ts'
import { channels, type Raster } from './raster.ts'

/** How a pixel is made of those around it; the names of Pillow's filters. */
export type Resample = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos'

interface Filter {
  /** Pixels to either side that count, at the size of the larger raster's pixels. */
  readonly support: number
  weight(x: number): number
}

/** Pillow writes them in single precision. */
const [hammingMean, hammingSwing] = [Math.fround(0.54), Math.fround(0.46)]

const filters: Readonly<Record<Exclude<Resample, 'nearest'>, Filter>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight: (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (hammingMean + hammingSwing * Math.cos(Math.PI * x))),
  },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** Weights are whole numbers of so many bits, as Pillow's are. */
const precision = 22
const half = 1 << (precision - 1)

/**
 * A raster in another size, equal to `Image.resize` of Pillow 13 byte for byte: one separable pass a direction, the filter as wide as the
 * larger of both sides' pixels (no aliasing), rounded to bytes between the passes. The rows come first where the height loses more than
 * twice what the width does; Pillow 12 and before always began with the columns, which is another rounding, and where one side grows
 * another clipping.
 */
export function resized(raster: Raster, width: number, height: number, resample: Resample): Raster {
  if (![width, height].every((size) => Number.isInteger(size) && size > 0))
    throw new QontrastError('invalid-input', `A size of ${width} × ${height} pixels: expected whole numbers above 0.`)
  if (resample === 'nearest') return nearest(raster, width, height)
  const filter = filters[resample]
  const across = (given: Raster) => (width === given.width ? given : resizedAcross(given, width, filter))
  const down = (given: Raster) => (height === given.height ? given : resizedDown(given, height, filter))
  const lost = raster.height - height
  return lost > 0 && lost > 2 * (raster.width - width) ? across(down(raster)) : down(across(raster))
}

interface Weights {
  /** The first pixel that counts, of each pixel of the result. */
  readonly first: Int32Array
  readonly counts: Int32Array
  /** [size, taps]: of each pixel of the result, its pixels' shares in 2^-22. */
  readonly shares: Int32Array
  readonly taps: number
}

function weightsOf(from: number, to: number, { support: width, weight }: Filter): Weights {
  const scale = from / to
  const stretch = Math.max(scale, 1)
  const support = width * stretch
  const taps = Math.ceil(support) * 2 + 1
  const [first, counts, shares] = [new Int32Array(to), new Int32Array(to), new Int32Array(to * taps)]
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale
    const begin = Math.max(0, Math.trunc(center - support + 0.5))
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - begin
    const raw = Array.from({ length: count }, (_, k) => weight((k + begin - center + 0.5) * (1 / stretch)))
    const sum = raw.reduce((before, one) => before + one, 0)
    first[i] = begin
    counts[i] = count
    for (const [k, one] of raw.entries()) {
      const share = sum === 0 ? one : one / sum
      shares[i * taps + k] = Math.trunc((share < 0 ? -0.5 : 0.5) + share * (1 << precision))
    }
  }
  return { first, counts, shares, taps }
}

function resizedAcross({ width: from, height, data }: Raster, width: number, filter: Filter): Raster {
  const { first, counts, shares, taps } = weightsOf(from, width, filter)
  const result = new Uint8Array(width * height * channels)
  let at = 0
  for (let y = 0; y < height; y++) {
    const row = y * from * channels
    for (let x = 0; x < width; x++) {
      let [red, green, blue] = [half, half, half]
      let pixel = row + (first[x] ?? 0) * channels
      const begin = x * taps
      const end = begin + (counts[x] ?? 0)
      for (let k = begin; k < end; k++) {
        const share = shares[k] as number
        red += (data[pixel] as number) * share
        green += (data[pixel + 1] as number) * share
        blue += (data[pixel + 2] as number) * share
        pixel += channels
      }
      result[at] = toByte(red)
      result[at + 1] = toByte(green)
      result[at + 2] = toByte(blue)
      at += channels
    }
  }
  return { width, height, data: result }
}

function resizedDown({ width, height: from, data }: Raster, height: number, filter: Filter): Raster {
  const { first, counts, shares, taps } = weightsOf(from, height, filter)
  const stride = width * channels
  const result = new Uint8Array(stride * height)
  const sums = new Int32Array(stride)
  for (let y = 0; y < height; y++) {
    sums.fill(half)
    const begin = y * taps
    for (let k = 0; k < (counts[y] ?? 0); k++) {
      const share = shares[begin + k] as number
      const row = ((first[y] ?? 0) + k) * stride
      for (let x = 0; x < stride; x++) sums[x] = (sums[x] as number) + (data[row + x] as number) * share
    }
    const out = y * stride
    for (let x = 0; x < stride; x++) result[out + x] = toByte(sums[x] as number)
  }
  return { width, height, data: result }
}

function toByte(sum: number): number {
  const value = sum >> precision
  return Math.max(0, Math.min(value, 255))
}

/** The pixel under the middle of each pixel of the result; positions are added up, as Pillow does. */
function nearest({ width: from, height: rows, data }: Raster, width: number, height: number): Raster {
  const columns = positions(from, width)
  const lines = positions(rows, height)
  const result = new Uint8Array(width * height * channels)
  let at = 0
  for (const y of lines) {
    for (const x of columns) {
      const pixel = (y * from + x) * channels
      result[at] = data[pixel] as number
      result[at + 1] = data[pixel + 1] as number
      result[at + 2] = data[pixel + 2] as number
      at += channels
    }
  }
  return { width, height, data: result }
}

function positions(from: number, to: number): number[] {
  const step = from / to
  let position = step * 0.5
  return Array.from({ length: to }, () => {
    const pixel = Math.min(from - 1, Math.trunc(position))
    position += step
    return pixel
  })
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

/** Keys' cubic with a = −0.5. */
function cubic(x: number): number {
  const a = -0.5
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a
  return 0
}
