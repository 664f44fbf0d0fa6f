import { exitCodes } from './exit-codes.ts'

/** A signal that fires on the first Ctrl-C or SIGTERM; the second one ends the process at once. */
export function abortOnInterrupt(): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes['interrupted: what was stored stays'])
    console.error('\nStopping at the end of this batch. Press Ctrl-C again to stop at once.')
    controller.abort(new Error('interrupted'))
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const name of signals) process.on(name, onSignal)
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of signals) process.off(name, onSignal)
    },
  }
}
