import { randomUUID } from 'node:crypto'
import { access, constants, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { messageOf, QontrastError, systemCodeOf } from '../../../shared/index.ts'

/** Makes the folder where it is missing, and writes a file that it takes away again; `invalid-option` or `disk-full` where that, or a table in it, cannot be written. */
export async function checkWritable(folder: string): Promise<void> {
  const probe = path.join(folder, `.writable-${randomUUID()}`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(probe, 'x', { flag: 'wx' }).finally(() => rm(probe, { force: true }))
    for (const entry of await readdir(folder))
      await access(path.join(folder, entry), constants.W_OK).catch(passOverGone)
  } catch (cause) {
    const code = systemCodeOf(cause)
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new QontrastError('disk-full', `There is no space left for the data folder ${folder}: free some.`, {
        cause,
      })
    throw new QontrastError(
      'invalid-option',
      `The data folder ${folder} cannot be written (${messageOf(cause)}): let this user write it, or name another folder.`,
      { cause },
    )
  }
}

/** What another process took away meanwhile needs no writing. */
function passOverGone(error: unknown): void {
  if (systemCodeOf(error) !== 'ENOENT') throw error
}
