import { readFileSync } from 'node:fs'
import { packageFile } from '../shared/index.ts'

/** The package's version. */
export function version(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'))
  return manifest.version
}
