import { pathToFileURL } from 'node:url'
import type { DecodeOptions, Raster } from '../../media/index.ts'
import { createProcessPool, type ProcessPool } from '../../runtime/index.ts'
import { isQontrastError, packageFile, QontrastError } from '../../shared/index.ts'
import type { PictureSetup, PictureSource } from './picture-worker.ts'
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
  read(source: PictureSource): Promise<Raster>
  close(): Promise<void>
}

export async function createPicturePool({
  workers,
  maximumBytes = 100_000_000,
  seconds = 30,
  ...decoding
}: PicturePoolOptions): Promise<PicturePool> {
  const pool: ProcessPool<PictureSource, Raster, { ready: true }> = await createProcessPool<
    PictureSetup,
    PictureSource,
    Raster,
    { ready: true }
  >({ entry: workerEntry(), size: workers, taskSeconds: seconds, setup: { ...decoding, maximumBytes } })
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

/** The module of the processes: TypeScript where this runs from source, else built. */
function workerEntry(): URL {
  const url: string | undefined = import.meta.url
  return pathToFileURL(
    packageFile(url?.endsWith('.ts') ? 'src/embed/image/picture-worker.ts' : 'dist/picture-worker.js'),
  )
}
