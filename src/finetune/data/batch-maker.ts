import { openProcessor, type Processor, type ProcessorRecipe } from '../../embed/index.ts'
import { entryOf, startThread, type Thread } from '../../runtime/index.ts'
import { type Batch, type BatchPlan, makeBatch, type StepInputs } from './batch.ts'

/** All that batches are made by, as plain data. */
export interface BatchSetup {
  readonly plan: BatchPlan
  readonly processors: Readonly<Record<string, ProcessorRecipe>>
}

/** Makes batches on this thread or on others; what a batch is does not depend on where it is made. */
export interface BatchMaker {
  /** Batches that can be made at the same time. */
  readonly lanes: number
  make(inputs: StepInputs): Promise<Batch>
  close(): Promise<void>
}

/** Starts so many threads that make batches; with none they are made on this one. */
export function createBatchMaker(setup: BatchSetup, { workers }: { readonly workers: number }): BatchMaker {
  if (workers === 0) {
    const make = batchesOf(setup)
    return { lanes: 1, make: async (inputs) => (await make)(inputs), close: async () => {} }
  }
  const threads = Array.from({ length: workers }, () => ({ thread: startMaker(setup), waiting: 0 }))
  return {
    lanes: workers,
    async make(inputs) {
      const one = threads.reduce((least, other) => (other.waiting < least.waiting ? other : least))
      one.waiting += 1
      try {
        return await one.thread.run<Batch>(inputs)
      } finally {
        one.waiting -= 1
      }
    },
    async close() {
      await Promise.all(threads.map(({ thread }) => thread.end()))
    },
  }
}

function startMaker(setup: BatchSetup): Thread<StepInputs> {
  return startThread({ entry: entryOf('src/finetune/data/batch-worker.ts', 'dist/batch-worker.js'), setup })
}

/** The work of each thread. */
export async function batchesOf({ plan, processors }: BatchSetup): Promise<(inputs: StepInputs) => Promise<Batch>> {
  const opened = new Map<string, Processor>()
  for (const [name, recipe] of Object.entries(processors)) opened.set(name, await openProcessor(recipe))
  return (inputs) => makeBatch(inputs, plan, opened)
}

/** Making a batch on the thread that everything else runs on is not worth a thread of its own below this. */
const worthwhile = 1

/** How many threads batches are worth, by how long making one takes here. */
export async function workersFor(setup: BatchSetup, inputs: StepInputs): Promise<number> {
  const make = await batchesOf(setup)
  let fastest = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3; i++) {
    const began = performance.now()
    await make(inputs)
    fastest = Math.min(fastest, performance.now() - began)
  }
  return fastest > worthwhile ? 1 : 0
}
