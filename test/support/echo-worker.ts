import { serveProcess } from '../../src/runtime/index.ts'
import { messageOf, QontrastError } from '../../src/shared/index.ts'

/** A child process for the pool's tests: answers with its own pid, or does what the task's name says. */
export interface EchoTask {
  readonly action: 'echo' | 'fail' | 'die' | 'die-once'
  readonly value: number
  /** Shared memory is not available between processes: a file marks that `die-once` has died. */
  readonly marker?: string
}

serveProcess<{ broken: boolean }, EchoTask, { greeting: string }, { value: number; pid: number }>({
  async setup({ broken }) {
    if (broken) throw new QontrastError('model-invalid', 'the setup was told to fail')
    return {
      ready: { greeting: 'ready' },
      async run({ action, value, marker }) {
        const { existsSync, writeFileSync } = await import('node:fs')
        if (action === 'fail') throw new QontrastError('model-invalid', messageOf(new Error('told to fail')))
        if (action === 'die') process.kill(process.pid, 'SIGKILL')
        if (action === 'die-once' && marker && !existsSync(marker)) {
          writeFileSync(marker, '')
          process.kill(process.pid, 'SIGKILL')
        }
        return { value, pid: process.pid }
      },
    }
  },
})
