import type { Dirent } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { systemCodeOf } from '../shared/index.ts'

/** A file under a folder, as it is reached and where it really is. */
export interface FoundFile {
  readonly file: string
  readonly real: string
}

export interface Walked {
  /** Those reached without links first. */
  readonly files: readonly FoundFile[]
  readonly unlisted: readonly { readonly folder: string; readonly error: unknown }[]
  /** Links that lead out of the folder, or nowhere. */
  readonly astray: readonly { readonly file: string; readonly reason: string }[]
}

interface WalkOptions {
  /** Which files and folders are looked at, by their own names. */
  readonly enters: (name: string) => boolean
  /** How many folders down, at most. */
  readonly deepest: number
}

interface Folder {
  readonly folder: string
  readonly real: string
  readonly depth: number
}

/**
 * Every file under a folder. A linked file or folder counts where it lies within the same folder; each folder is listed at most twice, as itself
 * and through links, so that loops end.
 */
export async function walk(root: string, { enters, deepest }: WalkOptions): Promise<Walked> {
  const files: FoundFile[] = []
  const unlisted: { folder: string; error: unknown }[] = []
  const astray: { file: string; reason: string }[] = []
  const top = await realpath(root)
  const listedByLink = new Set<string>()
  const told = new Set<string>()
  const folders: Folder[] = [{ folder: root, real: top, depth: 0 }]
  const links: Folder[] = []

  const take = async (at: Folder, entry: Kind) => {
    if (entry.isFile()) files.push({ file: at.folder, real: at.real })
    else if (entry.isSymbolicLink()) links.push(at)
    else if (entry.isDirectory() && at.depth <= deepest) folders.push(at)
  }
  const list = async (queue: Folder[], byLink: boolean) => {
    for (let at = queue.shift(); at; at = queue.shift()) {
      if (byLink && listedByLink.has(at.real)) continue
      if (byLink) listedByLink.add(at.real)
      const { folder, real, depth } = at
      const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
        if (systemCodeOf(error) !== 'ENOENT') unlisted.push({ folder, error })
        return []
      })
      for (const entry of entries) {
        const { name } = entry
        if (!enters(name)) continue
        const next = { folder: path.join(folder, name), real: path.join(real, name), depth: depth + 1 }
        await take(next, await kindOf(entry, next.folder))
      }
    }
  }

  await list(folders, false)
  for (let link = links.shift(); link; link = links.shift()) {
    const { folder: file, depth } = link
    const real = await realpath(file).catch(() => undefined)
    const target = real && (await stat(real).catch(() => undefined))
    const within = real === top || real?.startsWith(top.endsWith(path.sep) ? top : top + path.sep)
    if (!real || !target || !within) {
      const reason = target ? 'leads out of the folder' : 'leads nowhere'
      if (!told.has(link.real)) astray.push({ file, reason })
      told.add(link.real)
    } else {
      await take({ folder: file, real, depth }, target)
      await list(folders, true)
    }
  }
  return { files, unlisted, astray }
}

type Kind = Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>

/** Some file systems do not say the kind of an entry when a folder is listed. */
async function kindOf(entry: Dirent, file: string): Promise<Kind> {
  if (entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()) return entry
  return lstat(file).catch(() => entry)
}
