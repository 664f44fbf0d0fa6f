import { pathToFileURL } from 'node:url'
import { packageFile } from '../../shared/index.ts'

/** The inference process's module: TypeScript where this runs from source, else built. */
export function workerEntry(): URL {
  const url: string | undefined = import.meta.url
  const place = url?.endsWith('.ts') ? 'src/embed/graph-encoder/worker.ts' : 'dist/inference-worker.js'
  return pathToFileURL(packageFile(place))
}
