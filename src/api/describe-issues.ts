import type { z } from '@hono/zod-openapi'

const most = 5

/** What is wrong with a body, on one line: where, and what was expected. */
export function describeIssues({ issues }: z.core.$ZodError): string {
  const named = issues
    .slice(0, most)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
  const more = issues.length > most ? `; and ${issues.length - most} more` : ''
  return `${named.join('; ')}${more}.`
}
