import { readFileSync } from 'node:fs'

/** The package's version: package.json is two folders up, in the source tree and in the package. */
export function version(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return manifest.version
}
