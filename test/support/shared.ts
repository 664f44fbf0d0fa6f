import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'

const sharedRoot = fileURLToPath(new URL('../../../shared/', import.meta.url))

/** A file or folder of the data and models kept beside the repo, or undefined where they are absent. */
export function sharedPath(...segments: string[]): string | undefined {
  const path = `${sharedRoot}${segments.join('/')}`
  return existsSync(path) ? path : undefined
}

/** Like `describe`, given the path; skipped with a printed reason where the path is absent. */
export function describeWithShared(title: string, segments: string[], body: (path: string) => void): void {
  const path = sharedPath(...segments)
  if (path) describe(title, () => body(path))
  else {
    console.log(`skipped: ${title}: ../shared/${segments.join('/')} is absent`)
    describe.skip(title, () => {})
  }
}
