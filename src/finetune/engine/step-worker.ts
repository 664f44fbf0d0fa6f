import { serveThread } from '../../runtime/index.ts'
import { graphsFrom } from './graphs/source.ts'
import { createStepTaker, type ReadyStep, type StepTakerOptions } from './take-steps.ts'

/** What a thread that takes steps is given: plain data, and the state in shared memory. */
export type StepSetup = Omit<StepTakerOptions, 'graphs'>

export type StepTask = { readonly kind: 'take'; readonly steps: readonly ReadyStep[] } | { readonly kind: 'settle' }

serveThread<StepSetup, StepTask>((setup, parent) => {
  const taker = createStepTaker({ ...setup, graphs: graphsFrom(parent) })
  return {
    run: async (task) => ({ answer: task.kind === 'take' ? await taker.take(task.steps) : await taker.settle() }),
    close: () => taker.close(),
  }
})
