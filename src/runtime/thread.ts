import { Worker } from 'node:worker_threads'
import { messageOf, QontrastError } from '../shared/index.ts'
import { createGate, shutGate } from './native-gate.ts'
import { type Answered, createPeer, type PeerOptions } from './peer.ts'
import type { ThreadData, ThreadRequest } from './serve-thread.ts'

/** A thread of this process that works on one task after the other; it keeps the process alive only while it works. */
export interface Thread<Task> {
  /** Rejects with the thread's own error, or `worker-crashed` where it ends before. Memory in `moved` is the thread's from then on, not copied. */
  run<Result>(task: Task, moved?: readonly ArrayBuffer[]): Promise<Result>
  /** Ends it after the tasks that it has; later ones are rejected with `closed`. */
  end(): Promise<void>
}

export interface ThreadOptions<Setup, Question> {
  /** The module that the thread runs; it calls `serveThread`. */
  readonly entry: URL
  /** Copied, but for shared memory. */
  readonly setup: Setup
  /** Answers what the thread asks in turn; without, it asks nothing. */
  answer?(question: Question): Promise<Answered<unknown>>
}

/** Starts a module that calls `serveThread`; what its setup throws, every task is rejected with. */
export function startThread<Setup, Task, Question = never>({
  entry,
  setup,
  answer = () => Promise.reject(new QontrastError('internal', 'a thread asked what nobody answers')),
}: ThreadOptions<Setup, Question>): Thread<Task> {
  const gate = createGate()
  const workerData: ThreadData<Setup> = { setup, gate }
  const worker = new Worker(entry, { workerData, execArgv: [] })
  worker.unref()
  const options: PeerOptions<Question> = { answer, onWaiting: (count) => (count > 0 ? worker.ref() : worker.unref()) }
  const peer = createPeer(worker, options)
  const ask = <Result>(request: ThreadRequest<Task>, moved?: readonly ArrayBuffer[]) => peer.ask<Result>(request, moved)
  const leave = () => shutGate(gate)
  process.on('exit', leave)
  worker.once('error', (cause) => peer.fail(crashed(messageOf(cause), cause)))
  worker.once('exit', (code) => {
    process.off('exit', leave)
    peer.fail(crashed(`exit code ${code}`))
  })
  let ended: Promise<void> | undefined

  return {
    run: (task, moved) =>
      ended ? Promise.reject(new QontrastError('closed', 'The thread was ended.')) : ask({ kind: 'task', task }, moved),
    end() {
      ended ??= ask({ kind: 'end' })
        .catch(() => {}) // it has ended by itself
        .then(async () => void (await worker.terminate()))
      return ended
    },
  }
}

function crashed(reason: string, cause?: unknown): QontrastError {
  return new QontrastError(
    'worker-crashed',
    `A thread ended in the middle of its work (${reason}). Try again; if it repeats, use smaller batches: the usual reason is too little memory.`,
    { cause },
  )
}
