import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { systemCodeOf } from '../../../shared/index.ts'

export interface UpkeepLock {
  release(): Promise<void>
}

/** Name of the file that whoever merges a collection, or copies it, has. */
export const upkeepLockOf = (collection: string): string => `${collection}.upkeep`

/** Whoever holds a lock says so this often; one that was silent for long was killed, on another machine perhaps. */
const beatMilliseconds = 2_000
const silentMilliseconds = 20_000

/** A file that one process at a time has; undefined where another one has it. */
export async function takeLock(file: string): Promise<UpkeepLock | undefined> {
  if (!(await create(file))) {
    if (!(await isLeft(file)) || !(await takeAway(file)) || !(await create(file))) return undefined
  }
  const beat = setInterval(() => {
    const now = new Date()
    utimes(file, now, now).catch(() => {}) // taken away: this process was stopped for long
  }, beatMilliseconds).unref()
  return {
    async release() {
      clearInterval(beat)
      await rm(file, { force: true })
    },
  }
}

async function create(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${hostname()} ${process.pid}`, { flag: 'wx' })
    return true
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function isLeft(file: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(file)
    return Date.now() - mtimeMs > silentMilliseconds || isDead(await readFile(file, 'utf8'))
  } catch (error) {
    return systemCodeOf(error) === 'ENOENT' // it was released meanwhile
  }
}

function isDead(holder: string): boolean {
  const [, pid] = holder.split(`${hostname()} `)
  if (!pid) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return systemCodeOf(error) === 'ESRCH'
  }
}

/** Of several that want it, one gets it. */
async function takeAway(file: string): Promise<boolean> {
  const aside = `${file}.${randomUUID()}`
  try {
    await rename(file, aside)
  } catch (error) {
    return systemCodeOf(error) === 'ENOENT'
  }
  await rm(aside, { force: true })
  return true
}
