import { z } from 'zod'
import { messageOf } from '../shared/index.ts'

const most = 3

/** Why a file could not be read, on one line: for what is not as it should be, the setting and what it must be. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof z.ZodError)) return messageOf(cause)
  const named = cause.issues
    .slice(0, most)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
  const more = cause.issues.length - named.length
  return named.join('; ') + (more > 0 ? `; and ${more} more` : '')
}
