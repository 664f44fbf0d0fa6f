import { keepReportsHome, startThread } from '../../src/runtime/index.ts'

/** A program that ends while a thread of it computes, in the way that its argument says. */
const [, , how] = process.argv
keepReportsHome()
const thread = startThread<undefined, { times: number }, { time: number }>({
  entry: new URL('./computing-thread.ts', import.meta.url),
  setup: undefined,
  async answer({ time }) {
    if (time === 2 && how === 'leaves') process.exit(7)
    if (time === 2 && how === 'throws')
      queueMicrotask(() => {
        throw new Error('this program throws')
      })
    return { answer: undefined }
  },
})
await thread.run({ times: how === 'ends' || how === 'forgets' ? 3 : 1_000 })
if (how !== 'forgets') await thread.end()
