import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { QontrastError, rowExtensions } from '../shared/index.ts'

/** The file of a folder that has one of some names, whatever its extension and whether it is packed; the likeliest first. Undefined where there is none. */
export async function fileNamed(
  folder: string,
  names: readonly string[],
  extensions: readonly string[] = rowExtensions,
): Promise<string | undefined> {
  const entries: readonly string[] = await readdir(folder).catch(() => [])
  for (const name of names) {
    for (const extension of extensions) {
      const found = [`${name}${extension}`, `${name}${extension}.gz`].find((candidate) => entries.includes(candidate))
      if (found) return path.join(folder, found)
    }
  }
  return undefined
}

/** `file-unreadable` where there is nothing. */
export async function isFolder(place: string): Promise<boolean> {
  if (!existsSync(place)) throw new QontrastError('file-unreadable', `There is no ${place}.`)
  return (await stat(place)).isDirectory()
}
