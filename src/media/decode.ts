import type { Metadata, Sharp } from 'sharp'
import { messageOf, QontrastError } from '../shared/index.ts'
import { pictureFormats } from './formats.ts'
import { loadSharp } from './load-sharp.ts'
import { channels, type Raster } from './raster.ts'

export type Colour = readonly [red: number, green: number, blue: number]

export interface DecodeOptions {
  /** What lies behind pictures that let it through, white unless given; `none` takes their colours as they stand (Pillow's `convert`). */
  readonly background?: Colour | 'none'
  /** Larger pictures are refused before they are decoded. 100 million unless given. */
  readonly maximumPixels?: number
}

/**
 * The first picture of a file in a listed format, upright (EXIF), as RGB: equal to Pillow's pixels for JPEG, PNG, WebP, GIF and TIFF. CMYK
 * becomes RGB by Pillow's formula, of 16 bits the upper 8 stay. Throws `invalid-input` or `too-large` with the reason.
 */
export async function decodePicture(
  bytes: Uint8Array,
  { background = [255, 255, 255], maximumPixels = 100_000_000 }: DecodeOptions = {},
): Promise<Raster> {
  if (bytes.length === 0) throw unreadable('it is empty')
  const open = await opener(bytes)
  const metadata = await readMetadata(open)
  const { width, height } = metadata
  if (width * height > maximumPixels) {
    const message = `A picture of ${width} × ${height} pixels is larger than the ${maximumPixels.toLocaleString('en')} that are read.`
    throw new QontrastError('too-large', message)
  }
  const { pixels, size, bands } = await readPixels(open, metadata)
  const data = metadata.space === 'cmyk' ? fromCmyk(pixels) : bands === 4 ? over(pixels, background) : pixels
  return { ...size, data }
}

async function opener(bytes: Uint8Array): Promise<() => Sharp> {
  const sharp = await loadSharp()
  return () => sharp(bytes, { failOn: 'truncated', limitInputPixels: false, sequentialRead: true, pages: 1 })
}

async function readMetadata(open: () => Sharp): Promise<Metadata> {
  try {
    return await open().metadata()
  } catch (cause) {
    throw unreadable(reasonOf(cause), cause)
  }
}

async function readPixels(open: () => Sharp, { space, depth }: Metadata) {
  const wide = depth === 'ushort'
  const picture = open().autoOrient()
  const inSpace =
    space === 'cmyk'
      ? picture.pipelineColourspace('cmyk').toColourspace('cmyk')
      : picture.toColourspace(wide ? 'rgb16' : 'srgb')
  try {
    const { data, info } = await inSpace.raw({ depth: wide ? 'ushort' : 'uchar' }).toBuffer({ resolveWithObject: true })
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return {
      pixels: wide ? upperBytes(bytes) : bytes,
      size: { width: info.width, height: info.height },
      bands: info.channels,
    }
  } catch (cause) {
    throw unreadable(reasonOf(cause), cause)
  }
}

/** Of each little-endian value of 16 bits. */
function upperBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: bytes.length / 2 }, (_, i) => bytes[2 * i + 1] ?? 0)
}

/** [pixels, 4] of red, green, blue and opacity to [pixels, 3], in Pillow's arithmetic of `alpha_composite` over an opaque ground. */
function over(rgba: Uint8Array, background: Colour | 'none'): Uint8Array {
  const result = new Uint8Array((rgba.length / 4) * channels)
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += channels) {
    const share = (rgba[from + 3] as number) * 128
    for (let c = 0; c < channels; c++) {
      const colour = rgba[from + c] as number
      if (background === 'none') result[to + c] = colour
      else {
        const sum = colour * share + (background[c] as number) * (255 * 128 - share) + (0x80 << 7)
        result[to + c] = ((sum >> 8) + sum) >> 15
      }
    }
  }
  return result
}

/** [pixels, 4] of cyan, magenta, yellow and black to [pixels, 3], without a colour profile, as Pillow does. */
function fromCmyk(cmyk: Uint8Array): Uint8Array {
  const result = new Uint8Array((cmyk.length / 4) * channels)
  for (let from = 0, to = 0; from < cmyk.length; from += 4, to += channels) {
    const white = 255 - (cmyk[from + 3] as number)
    for (let c = 0; c < channels; c++) {
      const product = (cmyk[from + c] as number) * white + 128
      result[to + c] = Math.max(0, white - (((product >> 8) + product) >> 8))
    }
  }
  return result
}

function unreadable(reason: string, cause?: unknown): QontrastError {
  const formats = Object.keys(pictureFormats).join(', ')
  return new QontrastError('invalid-input', `The picture cannot be read: ${reason}. Read are ${formats}.`, { cause })
}

function reasonOf(cause: unknown): string {
  const [first = ''] = messageOf(cause).split('\n')
  return first.replace(/^Input buffer (contains|has)/, 'it $1').replace(/\.$/, '')
}
