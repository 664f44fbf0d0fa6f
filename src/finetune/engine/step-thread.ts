import { entryOf, type HostTensors, keepReportsHome, movable, startThread } from '../../runtime/index.ts'
import { factsOf } from './facts-of.ts'
import { type GraphQuestion, graphsOf } from './graphs/source.ts'
import type { Recipe } from './recipe.ts'
import type { StepSetup, StepTask } from './step-worker.ts'
import { type ReadyStep, type StepTaker, type StepTakerOptions, strideOf, wayOf } from './take-steps.ts'
import type { StepResult } from './ways/way.ts'

export interface StepThreadOptions extends Omit<StepTakerOptions, 'facts' | 'graphs'> {
  readonly recipe: Recipe
}

/**
 * Takes steps on a thread of its own: this one stays free while ONNX Runtime computes. Both see one state, in shared memory; the thread asks this one for its
 * graphs, as a loss is a function (docs/decisions/step-off-thread.md).
 */
export function startStepTaker({ recipe, state, ...options }: StepThreadOptions): StepTaker {
  keepReportsHome()
  const graphs = graphsOf(recipe, state)
  const thread = startThread<StepSetup, StepTask, GraphQuestion>({
    entry: entryOf('src/finetune/engine/step-worker.ts', 'dist/step-worker.js'),
    setup: { ...options, facts: factsOf(recipe), state },
    async answer({ graph, form }) {
      const answer = await graphs[graph](form)
      return { answer, moved: [answer.bytes.buffer] }
    },
  })
  return {
    stride: strideOf(options.way ?? wayOf(options.device)),
    async take(steps) {
      const results = await thread.run<StepResult[]>({ kind: 'take', steps }, movable(feedsOf(steps)))
      state.step = steps.at(-1)?.step ?? state.step
      return results
    },
    settle: () => thread.run({ kind: 'settle' }),
    close: () => thread.end(),
  }
}

function feedsOf(steps: readonly ReadyStep[]): HostTensors[] {
  return steps.flatMap(({ batches }) => batches.flatMap(({ groups }) => groups.map(({ feeds }) => feeds)))
}
