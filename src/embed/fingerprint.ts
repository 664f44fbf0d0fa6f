import { createHash } from 'node:crypto'
import path from 'node:path'
import { hashOfFile } from './file-hashes.ts'
import type { ModelFolder } from './model-folder.ts'

export interface FingerprintOptions {
  /** The plan that document vectors are computed by: plain data, every fact that changes one. */
  readonly plan: object
  /** Where hashes of files are kept when the model folder cannot be written. */
  readonly cacheDir: string
}

/** Names what determines document vectors, as 32 hex digits: the plan, and every file that was opened in the folder. */
export async function fingerprintOf(folder: ModelFolder, { plan, cacheDir }: FingerprintOptions): Promise<string> {
  const { root } = folder
  const files = await Promise.all(
    folder.opened().map(async (name) => [name, await hashOfFile(path.join(root, name), { root, cacheDir })]),
  )
  return createHash('sha256')
    .update(JSON.stringify([plan, files]))
    .digest('hex')
    .slice(0, 32)
}
