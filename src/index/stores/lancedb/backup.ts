import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  checkOptionKeys,
  isQontrastError,
  type OptionKeys,
  QontrastError,
  systemCodeOf,
  throwIfAborted,
} from '../../../shared/index.ts'
import { lancedb } from '../lancedb.ts'
import { openPointers } from './pointers.ts'
import { takeLock, type UpkeepLock, upkeepLockOf } from './upkeep-lock.ts'

export interface BackupOptions {
  /** Folder of the embedded store. */
  readonly path: string
  /** A folder that is empty or not there yet. */
  readonly to: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly files: number; readonly bytes: number }) => void
}

export interface BackupReport {
  /** Names of the collections, each with its points. */
  readonly collections: Readonly<Record<string, number>>
  readonly files: number
  readonly bytes: number
}

const backupKeys: OptionKeys<BackupOptions> = { path: true, to: true, signal: true, onProgress: true }
const lockPollMilliseconds = 100

/**
 * Copies the folder of the embedded store while it is searched and written to: each index as it was at one moment of the run. The copy is such a folder
 * itself, and has its name once it is whole. Maintenance waits meanwhile. Rejects with `invalid-option`, `store-busy` (an index was dropped) or `aborted`.
 */
export async function backupIndexes(options: BackupOptions): Promise<BackupReport> {
  checkOptionKeys('backupIndexes', options, backupKeys)
  const { signal, onProgress } = options
  const [from, to] = [path.resolve(options.path), path.resolve(options.to)]
  await checkTarget(from, to)
  const partial = `${to}.partial`
  const counts = { files: 0, bytes: 0 }
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  try {
    const aliases = (await readdir(from)).filter((name) => name.endsWith('.alias.json'))
    for (const name of aliases) await copy(name)
    const collections = await openPointers(from).collections() // after the aliases: what they name is among them, or was dropped
    for (const collection of collections) await copyCollection(collection)
    const points = await countAll(partial, collections)
    await rmdir(to).catch(() => {}) // an empty one; of another, renaming tells
    await rename(partial, to)
    return { collections: points, ...counts }
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    if (systemCodeOf(error) !== 'ENOENT' && !isQontrastError(error, 'store-failed')) throw error
    throw new QontrastError('store-busy', 'An index was dropped while it was copied. Run it again.', { cause: error })
  }

  /** Every file that a version names is there before the version is, and stays as it is: versions are copied first. */
  async function copyCollection(collection: string): Promise<void> {
    const lock = await lockOf(path.join(from, upkeepLockOf(collection)))
    try {
      await copy(`${collection}.collection.json`)
      for (const table of [`${collection}.lance`, `${collection}.seen.lance`]) {
        const parts = await readdir(path.join(from, table)).catch(emptyWhereGone)
        for (const part of ['_versions', ...parts.filter((part) => part !== '_versions')])
          if (parts.includes(part)) await copyTree(path.join(table, part))
      }
    } finally {
      await lock.release()
    }
  }

  async function lockOf(file: string): Promise<UpkeepLock> {
    for (;;) {
      throwIfAborted(signal)
      const lock = await takeLock(file)
      if (lock) return lock
      await pause(lockPollMilliseconds)
    }
  }

  async function copyTree(name: string): Promise<void> {
    const entries = await readdir(path.join(from, name), { withFileTypes: true, recursive: true })
    for (const entry of entries) {
      if (!entry.isFile()) continue
      throwIfAborted(signal)
      // a file that a write in progress put aside is no part of any version
      await copy(path.relative(from, path.join(entry.parentPath, entry.name))).catch(passOverGone)
    }
  }

  async function copy(name: string): Promise<void> {
    const target = path.join(partial, name)
    await mkdir(path.dirname(target), { recursive: true })
    await copyFile(path.join(from, name), target, constants.COPYFILE_FICLONE)
    counts.files += 1
    counts.bytes += (await stat(target)).size
    onProgress?.(counts)
  }
}

async function checkTarget(from: string, to: string): Promise<void> {
  const inside = path.relative(from, to)
  if (inside === '' || !(inside.startsWith('..') || path.isAbsolute(inside)))
    throw new QontrastError('invalid-option', `A backup of ${from} cannot lie in it: choose a folder beside it.`)
  if ((await openPointers(from).collections()).length === 0)
    throw new QontrastError('index-not-found', `There is no index in ${from}.`)
  const there = await readdir(to).catch(emptyWhereGone)
  if (there.length > 0)
    throw new QontrastError('invalid-option', `${to} is not empty: a backup goes into a folder of its own.`)
}

/** Opens each: a copy that cannot be read is none. */
async function countAll(folder: string, collections: readonly string[]): Promise<Record<string, number>> {
  await using store = lancedb({ path: folder })
  const counts: Record<string, number> = {}
  for (const name of collections) counts[name] = await store.count(name)
  return counts
}

function emptyWhereGone(error: unknown): string[] {
  if (systemCodeOf(error) === 'ENOENT') return []
  throw error
}

function passOverGone(error: unknown): void {
  if (systemCodeOf(error) !== 'ENOENT') throw error
}
