import type { DecodeOptions, Raster } from '../../media/index.ts'
import { createProcessPool, entryOf, type ProcessPool } from '../../runtime/index.ts'
import { isQontrastError, QontrastError } from '../../shared/index.ts'
import type { Media } from '../input.ts'
import type { PictureSetup } from './picture-worker.ts'
import type { PreprocessPlan } from './preprocess-plan.ts'

export interface PicturePoolOptions extends DecodeOptions {
  readonly steps: PreprocessPlan['steps']
  /** Processes that read pictures. */
  readonly workers: number
  /** Larger files are refused before they are read. 100 MB unless given. */
  readonly maximumBytes?: number
  /** A picture that takes longer is given up. 30 unless given. */
  readonly seconds?: number
}

/** Reads pictures in child processes: whatever a file does to its decoder, it costs that file alone. */
export interface PicturePool {
  /**
   * The picture after the plan's steps. Rejects with the reason why it cannot be read; one that ends its process is `invalid-input` too.
   */
  read(source: Media): Promise<Raster>
  close(): Promise<void>
}

export async function createPicturePool({
  workers,
  maximumBytes = 100_000_000,
  seconds = 30,
  ...decoding
}: PicturePoolOptions): Promise<PicturePool> {
  const entry = entryOf('src/embed/image/picture-worker.ts', 'dist/picture-worker.js')
  const pool: ProcessPool<Media, Raster, { ready: true }> = await createProcessPool<
    PictureSetup,
    Media,
    Raster,
    { ready: true }
  >({ entry, size: workers, taskSeconds: seconds, setup: { ...decoding, maximumBytes } })
  return {
    async read(source) {
      try {
        return await pool.run(source)
      } catch (cause) {
        throw isQontrastError(cause, 'worker-crashed') || isQontrastError(cause, 'deadline-exceeded')
          ? new QontrastError('invalid-input', `The picture cannot be read: ${reasonOf(cause.code, seconds)}.`, {
              cause,
            })
          : cause
      }
    },
    close: () => pool.close(),
  }
}

function reasonOf(code: string, seconds: number): string {
  return code === 'worker-crashed'
    ? 'it ends the process that decodes it'
    : `decoding it takes longer than ${seconds} s`
}
