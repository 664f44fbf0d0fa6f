import { type Stats, statSync } from 'node:fs'
import path from 'node:path'
import { systemCodeOf } from '../shared/index.ts'

/** What to do about a file that this process has no right to read, by whose it is and who asks; empty for any other failure. */
export function explainUnreadable(file: string, cause: unknown): string {
  if (systemCodeOf(cause) !== 'EACCES') return ''
  const me = `This process is user ${process.getuid?.()} of group ${process.getgid?.()}`
  const found = lookAt(file)
  if (!found)
    return `. ${me}, which may not enter ${path.dirname(path.resolve(file))}: chmod o+x that folder, or chown it.`
  const mode = (found.mode & 0o777).toString(8)
  return `. ${me}; the file is of user ${found.uid}, group ${found.gid}, mode ${mode}: chown it, or chmod it so that this user may read it.`
}

function lookAt(file: string): Stats | undefined {
  try {
    return statSync(file)
  } catch {
    return undefined
  }
}
