import { existsSync } from 'node:fs'
import { QontrastError } from '../../shared/index.ts'

/** The inference process's module: beside this file in the source tree, at the root of `dist` in the package. */
export function workerEntry(): URL {
  const candidates = ['./worker.ts', './inference-worker.js', '../inference-worker.js']
  const found = candidates.map((candidate) => new URL(candidate, import.meta.url)).find((url) => existsSync(url))
  if (!found) throw new QontrastError('internal', `no inference worker beside ${import.meta.url}`)
  return found
}
