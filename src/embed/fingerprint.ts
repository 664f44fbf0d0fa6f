import { createHash } from 'node:crypto'
import path from 'node:path'
import type { JsonObject } from '../shared/index.ts'
import { hashOfFile } from './file-hashes.ts'
import type { ModelFolder } from './model-folder.ts'

export interface FingerprintOptions {
  /** Every fact that changes a document's vector, as plain data. */
  readonly facts: JsonObject
  /** Where hashes of files are kept when the model folder cannot be written. */
  readonly cacheDir: string
}

/** Names what determines document vectors, as 32 hex digits: the facts, and every file that was opened in the folder. */
export async function fingerprintOf(folder: ModelFolder, { facts, cacheDir }: FingerprintOptions): Promise<string> {
  const { root } = folder
  const files = await Promise.all(
    folder.opened().map(async (name) => [name, await hashOfFile(path.join(root, name), { root, cacheDir })]),
  )
  return createHash('sha256')
    .update(JSON.stringify([facts, files]))
    .digest('hex')
    .slice(0, 32)
}
