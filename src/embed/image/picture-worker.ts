import { readFile, stat } from 'node:fs/promises'
import { type DecodeOptions, decodePicture, type Raster } from '../../media/index.ts'
import { serveProcess } from '../../runtime/index.ts'
import { messageOf, QontrastError } from '../../shared/index.ts'
import type { Media } from '../input.ts'
import { fitted } from './fit.ts'
import type { PreprocessPlan } from './preprocess-plan.ts'

/** What a process that reads pictures is told before its first. */
export interface PictureSetup extends DecodeOptions {
  readonly steps: PreprocessPlan['steps']
  readonly maximumBytes: number
}

serveProcess<PictureSetup, Media, { ready: true }, Raster>({
  async setup({ maximumBytes, ...setup }) {
    return {
      ready: { ready: true },
      run: async (source) => fitted(await decodePicture(await bytesOf(source, maximumBytes), setup), setup),
    }
  },
})

async function bytesOf(source: Media, maximumBytes: number): Promise<Uint8Array> {
  const size = 'bytes' in source ? source.bytes.length : await sizeOf(source.path)
  if (size > maximumBytes) {
    const message = `A picture of ${megabytes(size)} is larger than the ${megabytes(maximumBytes)} that are read.`
    throw new QontrastError('too-large', message)
  }
  return 'bytes' in source ? source.bytes : readFile(source.path)
}

async function sizeOf(path: string): Promise<number> {
  try {
    const entry = await stat(path)
    if (entry.isFile()) return entry.size
  } catch (cause) {
    throw new QontrastError('file-unreadable', `The picture cannot be read: ${messageOf(cause)}.`, { cause })
  }
  throw new QontrastError('file-unreadable', 'The picture cannot be read: it is no file.')
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
