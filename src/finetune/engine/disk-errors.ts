import { messageOf, QontrastError, systemCodeOf } from '../../shared/index.ts'

const full = new Set(['ENOSPC', 'EDQUOT'])
const refused = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR'])

/** Tells a full disk apart, and a folder that cannot be written to. */
export async function withDiskErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const code = systemCodeOf(cause) ?? ''
    if (refused.has(code)) {
      throw new QontrastError(
        'invalid-option',
        `out cannot be written to: ${messageOf(cause)}. Choose another --out.`,
        {
          cause,
        },
      )
    }
    if (!full.has(code)) throw cause
    throw new QontrastError(
      'disk-full',
      'The disk is full. The last whole checkpoint is kept: free some space, and run again with --resume.',
      { cause },
    )
  }
}
