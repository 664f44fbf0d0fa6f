import type { z } from '@hono/zod-openapi'

const most = 5
/** What is said of a union that has no message of its own. */
const unsaid = 'Invalid input'

/** What is wrong with a body, on one line: where, and what was expected. */
export function describeIssues({ issues }: z.core.$ZodError): string {
  const named = issues
    .slice(0, most)
    .map(mostTelling)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
  const more = issues.length > most ? `; and ${issues.length - most} more` : ''
  return `${named.join('; ')}${more}.`
}

/** Of a value that is none of several forms, what keeps it from the one that it comes nearest to. */
function mostTelling(issue: z.core.$ZodIssue): Pick<z.core.$ZodIssue, 'path' | 'message'> {
  if (issue.code !== 'invalid_union' || issue.message !== unsaid) return issue
  const candidates = issue.errors
    .filter((errors) => errors.length === 1)
    .flat()
    .map(mostTelling)
  const [nearest] = candidates.filter(({ path }) => path.length > 0).concat(candidates.filter(isOfSize))
  return nearest ? { path: [...issue.path, ...nearest.path], message: nearest.message } : issue
}

/** Right in kind, and too large or too small. */
function isOfSize(issue: object): boolean {
  return 'code' in issue && (issue.code === 'too_big' || issue.code === 'too_small')
}
