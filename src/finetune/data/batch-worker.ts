import { movable, serveThread } from '../../runtime/index.ts'
import type { StepInputs } from './batch.ts'
import { type BatchSetup, batchesOf } from './batch-maker.ts'

serveThread<BatchSetup, StepInputs>(async (setup) => {
  const make = await batchesOf(setup)
  return {
    async run(inputs) {
      const answer = await make(inputs)
      return { answer, moved: movable(answer.groups.map(({ feeds }) => feeds)) }
    },
  }
})
