import { serveThread } from '../../src/runtime/index.ts'
import { QontrastError } from '../../src/shared/index.ts'

/** A thread for tests: answers with what it was given, or does what the task's name says. */
export interface EchoTask {
  readonly action: 'echo' | 'fail' | 'ask' | 'break'
  readonly value: number
}

serveThread<{ readonly broken: boolean }, EchoTask>(({ broken }, parent) => {
  if (broken) throw new QontrastError('model-invalid', 'the setup was told to fail')
  return {
    async run({ action, value }) {
      if (action === 'fail') throw new QontrastError('training-diverged', 'told to fail')
      if (action === 'ask') return { answer: await parent.ask<number>({ value }) }
      if (action === 'break') {
        setImmediate(() => {
          throw new Error('nobody catches this')
        })
        await new Promise(() => {})
      }
      const answer = Float32Array.of(value)
      return { answer, moved: [answer.buffer] }
    },
  }
})
