import { AsyncLocalStorage } from 'node:async_hooks'

/** For whom work is done, and until when it is wanted. */
export interface Work {
  /** Turns are shared fairly between owners; what nobody asked for is the process's own. */
  readonly owner: string
  readonly signal?: AbortSignal
}

const nobodys: Work = { owner: '' }
const current = new AsyncLocalStorage<Work>()

/** Does something on somebody's account: whatever it waits for a turn for, it waits in their line. */
export function onAccountOf<T>(work: Work, action: () => T): T {
  return current.run(work, action)
}

export function currentWork(): Work {
  return current.getStore() ?? nobodys
}
