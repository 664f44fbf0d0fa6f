import { pathToFileURL } from 'node:url'
import { packageFile } from '../shared/index.ts'

/** The module that a process or a thread of ours runs: TypeScript where this runs from source, else built. */
export function entryOf(source: string, built: string): URL {
  const url: string | undefined = import.meta.url
  return pathToFileURL(packageFile(url?.endsWith('.ts') ? source : built))
}
