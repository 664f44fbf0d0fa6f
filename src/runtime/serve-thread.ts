import { parentPort, workerData } from 'node:worker_threads'
import { QontrastError } from '../shared/index.ts'
import { takeGate } from './native-gate.ts'
import { type Answered, createPeer, type Peer } from './peer.ts'

/** What a thread is given as it starts. */
export interface ThreadData<Setup> {
  readonly setup: Setup
  readonly gate: Int32Array
}

export type ThreadRequest<Task> = { readonly kind: 'task'; readonly task: Task } | { readonly kind: 'end' }

/** What a thread does: takes its setup once, then one task after the other. */
export interface ThreadService<Task> {
  run(task: Task): Promise<Answered<unknown>>
  /** Frees what the thread's end would not. */
  close?(): Promise<void>
}

/** The thread's side of `startThread`; `parent` answers what the service asks of the thread that started it. */
export function serveThread<Setup, Task>(
  serve: (setup: Setup, parent: Peer) => ThreadService<Task> | Promise<ThreadService<Task>>,
): void {
  if (!parentPort) throw new QontrastError('internal', 'this module runs in a thread of its own')
  const { setup, gate }: ThreadData<Setup> = workerData
  takeGate(gate)
  const peer: Peer = createPeer<ThreadRequest<Task>>(parentPort, {
    async answer(request) {
      const { run, close } = await service
      if (request.kind === 'task') return run(request.task)
      await close?.()
      return { answer: undefined }
    },
  })
  const service = (async () => serve(setup, peer))()
  service.catch(() => {}) // every task is rejected with it
}
