import { entryOf } from '../../runtime/index.ts'

/** The inference process's module. */
export function workerEntry(): URL {
  return entryOf('src/embed/graph-encoder/worker.ts', 'dist/inference-worker.js')
}
