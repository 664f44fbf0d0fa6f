import { QontrastError } from './errors.ts'

/** The oldest Node whose `require` takes this package; the same as `engines` in package.json. */
export const oldestNode = '22.12'

/** What to say on a Node that is too old; `undefined` on one that is not. */
export function complaintAboutNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = oldestNode.split('.').map(Number)
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined
  return `qontrast needs Node ${oldestNode} or newer; this is ${version}.`
}

/** Throws `dependency-missing` on a Node that is too old. */
export function checkNode(): void {
  const complaint = complaintAboutNode(process.versions.node)
  if (complaint) throw new QontrastError('dependency-missing', complaint)
}
