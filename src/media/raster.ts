import { QontrastError } from '../shared/index.ts'

/** A picture in memory: rows from the top, RGB interleaved, a byte a channel. */
export interface Raster {
  readonly width: number
  readonly height: number
  /** [height, width, 3] */
  readonly data: Uint8Array
}

export const channels = 3

/** A raster of one colour. */
export function filled(width: number, height: number, colour: readonly [number, number, number]): Raster {
  const data = new Uint8Array(width * height * channels)
  for (let at = 0; at < data.length; at += channels) data.set(colour, at)
  return { width, height, data }
}

export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** The part of a raster inside of a box; what the box has outside of the raster is black. */
export function cropped(raster: Raster, { left, top, width, height }: Box): Raster {
  if (![left, top, width, height].every(Number.isInteger) || width < 1 || height < 1)
    throw new QontrastError(
      'invalid-input',
      `A crop of ${width} × ${height} at ${left}, ${top}: expected whole numbers.`,
    )
  const data = new Uint8Array(width * height * channels)
  const [first, last] = [Math.max(0, left), Math.min(raster.width, left + width)]
  for (let y = Math.max(0, top); y < Math.min(raster.height, top + height) && last > first; y++) {
    const row = raster.data.subarray((y * raster.width + first) * channels, (y * raster.width + last) * channels)
    data.set(row, ((y - top) * width + first - left) * channels)
  }
  return { width, height, data }
}

/** The middle of a raster; one that is smaller gets a black border. An odd pixel goes to the right and the bottom, as in transformers. */
export function centerCropped(
  raster: Raster,
  { width, height }: { readonly width: number; readonly height: number },
): Raster {
  const begin = (outer: number, inner: number) => Math.trunc((outer - inner) / 2)
  return cropped(raster, { left: begin(raster.width, width), top: begin(raster.height, height), width, height })
}
