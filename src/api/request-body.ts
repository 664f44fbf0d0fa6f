import { QontrastError } from '../shared/index.ts'
import type { ApiContext } from './context.ts'

/** Of bodies that are read as they come; the limits of a body count what it is once it is read. */
const encodings = new Set(['identity', 'gzip', 'x-gzip'])

/** How the body is compressed; undefined where it is not. Rejects with `unsupported-media-type` for what is not read here. */
export function encodingOf(c: ApiContext): 'gzip' | undefined {
  const encoding = c.req.header('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (!encodings.has(encoding)) {
    c.header('Accept-Encoding', 'gzip, identity')
    throw new QontrastError(
      'unsupported-media-type',
      'A body may be compressed with gzip; other encodings are not read.',
    )
  }
  return encoding === 'identity' ? undefined : 'gzip'
}

/** The body as it comes, decompressed. */
export function streamOf(c: ApiContext): ReadableStream<Uint8Array> | undefined {
  const encoding = encodingOf(c)
  const { body } = c.req.raw
  if (!body) return undefined
  return encoding === undefined ? body : body.pipeThrough(new DecompressionStream(encoding))
}
