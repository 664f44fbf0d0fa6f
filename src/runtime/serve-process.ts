import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { QontrastError } from '../shared/index.ts'
import { beatDescriptor, beatMilliseconds } from './child.ts'
import { failed, type Reply } from './reply.ts'

/** What a child of a process pool does: take its setup once, then one task after the other. */
export interface ProcessService<Setup, Task, Ready, Result> {
  setup(setup: Setup): Promise<{ ready: Ready; run: (task: Task) => Promise<Result> }>
}

type Message<Setup, Task> = { kind: 'setup'; setup: Setup } | { kind: 'task'; task: Task }

/** The child's side of `createProcessPool`. The process ends when the parent does. */
export function serveProcess<Setup, Task, Ready, Result>(service: ProcessService<Setup, Task, Ready, Result>): void {
  let run: ((task: Task) => Promise<Result>) | undefined

  const answer = async (message: Message<Setup, Task>): Promise<Ready | Result> => {
    if (message.kind === 'setup') {
      const started = await service.setup(message.setup)
      run = started.run
      return started.ready
    }
    if (!run) throw new QontrastError('internal', 'a task came before the setup')
    return run(message.task)
  }

  showLife()
  process.on('disconnect', () => process.exit(0))
  process.on('SIGINT', () => {}) // Ctrl-C goes to the whole group; the parent decides what it means
  process.on('message', (message: Message<Setup, Task>) => {
    void answer(message).then(
      (result) => send({ kind: 'done', result }),
      (error: unknown) => send(failed(error)),
    )
  })

  /** An answer that nobody takes any more is dropped: `disconnect` follows. */
  function send(reply: Reply<Ready | Result>): void {
    process.send?.(reply, undefined, undefined, () => {})
  }
}

/** Beats on a thread of its own: the main one computes for as long as a batch takes. Where nobody listens, the parent is gone. */
function showLife(): void {
  const beat = `setInterval(() => require('node:fs').writeSync(${beatDescriptor}, '.'), ${beatMilliseconds})`
  new Worker(beat, { eval: true, env: {} }).once('error', () => process.exit(0))
  writeSync(beatDescriptor, '.')
}
