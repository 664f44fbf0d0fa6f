import { systemCodeOf } from '../shared/index.ts'

const lookEveryMilliseconds = 500

/**
 * Tells, once, when the process that started this one is gone, where that is a package manager's shell. `npx` and `npm run` start a shell that starts this:
 * a signal to them ends the shell, which passes nothing on. Started otherwise, a process may outlive its parent on purpose. Returns what ends the watch.
 */
export function onParentGone(gone: () => void, { env = process.env }: { env?: NodeJS.ProcessEnv } = {}): () => void {
  if (env['npm_lifecycle_event'] === undefined) return () => {}
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent && isThere(parent)) return
    clearInterval(watch)
    gone()
  }, lookEveryMilliseconds)
  watch.unref()
  return () => clearInterval(watch)
}

/** On Windows an orphan keeps its parent's number. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return systemCodeOf(error) !== 'ESRCH'
  }
}
