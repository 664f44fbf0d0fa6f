import { readFileSync } from 'node:fs'
import { packageFile } from './package-files.ts'

/** The package's version. */
export function packageVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'))
  return manifest.version
}
