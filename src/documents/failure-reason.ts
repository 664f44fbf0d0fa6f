import { type ErrorCode, isQontrastError, messageOf, systemCodeOf } from '../shared/index.ts'

const systemReasons: Readonly<Record<string, string>> = {
  ENOENT: 'the file is gone.',
  EACCES: 'this user may not read it.',
  EPERM: 'this user may not read it.',
}

/** What a reader threw, for the one who named the file. */
export function reasonOf(error: unknown): { code: ErrorCode; reason: string } {
  if (isQontrastError(error)) return { code: error.code, reason: error.message }
  return { code: 'file-unreadable', reason: systemReasons[systemCodeOf(error) ?? ''] ?? messageOf(error) }
}
