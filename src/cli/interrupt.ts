import { exitCodes } from './exit-codes.ts'
import { onParentGone } from './parent-gone.ts'

/** A signal that fires on the first Ctrl-C or SIGTERM, or when the `npx` that started this is gone; a second Ctrl-C ends the process at once. */
export function abortOnInterrupt(first = 'what is being embedded is finished and stored'): {
  signal: AbortSignal
  stop: () => void
} {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes['interrupted: what was stored stays'])
    console.error(`\nStopping: ${first}. Press Ctrl-C again to stop at once.`)
    controller.abort(new Error('interrupted'))
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const name of signals) process.on(name, onSignal)
  const forget = onParentGone(() => controller.abort(new Error('the process that started this one is gone')))
  return {
    signal: controller.signal,
    stop: () => {
      forget()
      for (const name of signals) process.off(name, onSignal)
    },
  }
}
