import { type ChildProcess, fork } from 'node:child_process'
import { type ErrorCode, messageOf, QontrastError } from '../shared/index.ts'

export interface ProcessPoolOptions<Setup> {
  /** The module that the child runs; it calls `serveProcess`. */
  readonly entry: URL
  readonly size: number
  /** Sent to every child before its first task. */
  readonly setup: Setup
}

/** Child processes that work on one task at a time each. A crash costs only the task, which is tried once more. */
export interface ProcessPool<Task, Result, Ready> {
  readonly size: number
  /** What the children answered to their setup. */
  readonly ready: Ready
  /** Tasks that would start at once. */
  idle(): number
  /** Calls the listener whenever a child becomes idle. */
  onIdle(listener: () => void): void
  /** Runs a task on an idle child; waits for one where none is idle. Rejects with `worker-crashed` after the second crash. */
  run(task: Task): Promise<Result>
  /** Process ids of the children, for tests and metrics. */
  pids(): number[]
  close(): Promise<void>
}

type Request<Setup, Task> = { kind: 'setup'; setup: Setup } | { kind: 'task'; task: Task }
export type Reply<Result> =
  | { kind: 'done'; result: Result }
  | { kind: 'failed'; code: ErrorCode; message: string; stack: string | undefined }

interface Job<Task, Result> {
  readonly task: Task
  attempts: number
  resolve(result: Result): void
  reject(error: unknown): void
}

interface Slot {
  child: ChildProcess
  busy: boolean
}

const exitGraceMilliseconds = 2_000

/** Starts the children and resolves once each has taken its setup; rejects with the first setup's error. */
export async function createProcessPool<Setup, Task, Result, Ready>({
  entry,
  size,
  setup,
}: ProcessPoolOptions<Setup>): Promise<ProcessPool<Task, Result, Ready>> {
  const queue: Job<Task, Result>[] = []
  const slots: Slot[] = []
  const listeners: (() => void)[] = []
  let closed = false

  const started = await Promise.allSettled(Array.from({ length: size }, () => start()))
  const failure = started.find((outcome) => outcome.status === 'rejected')
  if (failure) {
    await close()
    throw failure.reason
  }
  const [ready] = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  if (ready === undefined) throw new QontrastError('internal', 'a process pool of size 0')

  async function start(): Promise<Ready> {
    const child = fork(entry, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const slot: Slot = { child, busy: true }
    slots.push(slot)
    child.on('exit', () => slots.splice(slots.indexOf(slot), 1))
    try {
      const answer = await ask<Setup, Task, Ready>(child, { kind: 'setup', setup })
      release(slot)
      return answer
    } catch (error) {
      await end(child)
      throw error
    }
  }

  function release(slot: Slot): void {
    slot.busy = false
    slot.child.unref()
    slot.child.channel?.unref()
    dispatch()
    if (!slot.busy) for (const listener of listeners) listener()
  }

  function dispatch(): void {
    for (const slot of slots) {
      if (slot.busy || !slot.child.connected) continue
      const job = queue.shift()
      if (!job) return
      void work(slot, job)
    }
  }

  async function work(slot: Slot, job: Job<Task, Result>): Promise<void> {
    slot.busy = true
    slot.child.ref()
    slot.child.channel?.ref()
    job.attempts += 1
    try {
      const result = await ask<Setup, Task, Result>(slot.child, { kind: 'task', task: job.task })
      release(slot)
      job.resolve(result)
    } catch (error) {
      if (slot.child.connected) {
        release(slot)
        job.reject(error)
      } else await recover(job, error)
    }
  }

  /** After a crash: a new child, and the job at the head of the queue again if this was its first attempt. */
  async function recover(job: Job<Task, Result>, error: unknown): Promise<void> {
    if (closed) return job.reject(closedError())
    if (job.attempts >= 2) job.reject(error)
    else queue.unshift(job)
    await restart()
  }

  async function restart(): Promise<void> {
    try {
      await start()
    } catch (error) {
      if (slots.length > 0) return
      for (const waiting of queue.splice(0)) waiting.reject(error)
      for (const listener of listeners) listener()
    }
  }

  async function close(): Promise<void> {
    closed = true
    for (const job of queue.splice(0)) job.reject(closedError())
    await Promise.all(slots.map(({ child }) => end(child)))
  }

  return {
    size,
    ready,
    idle: () => (slots.length === 0 ? 1 : slots.filter((slot) => !slot.busy).length - queue.length),
    onIdle: (listener) => listeners.push(listener),
    run(task) {
      if (closed) return Promise.reject(closedError())
      return new Promise((resolve, reject) => {
        queue.push({ task, attempts: 0, resolve, reject })
        if (slots.length === 0) void restart()
        dispatch()
      })
    },
    pids: () => slots.flatMap(({ child }) => (child.pid === undefined ? [] : [child.pid])),
    close,
  }
}

function ask<Setup, Task, Answer>(child: ChildProcess, request: Request<Setup, Task>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const settle = (action: () => void) => {
      child.off('message', onMessage)
      child.off('exit', onExit)
      child.off('error', onError)
      action()
    }
    const onMessage = (reply: Reply<Answer>) =>
      settle(() => (reply.kind === 'done' ? resolve(reply.result) : reject(errorOf(reply))))
    const onExit = (code: number | null, signal: string | null) =>
      settle(() =>
        reject(
          new QontrastError(
            'worker-crashed',
            `An inference process ended in the middle of its work (${signal ?? `exit code ${code}`}). Try again; if it repeats, use smaller batches or fewer workers: the usual reason is too little memory.`,
          ),
        ),
      )
    const onError = (cause: Error) =>
      settle(() =>
        reject(
          new QontrastError('worker-crashed', `An inference process could not be used: ${messageOf(cause)}`, { cause }),
        ),
      )
    child.on('message', onMessage)
    child.on('exit', onExit)
    child.on('error', onError)
    child.send(request, (error) => {
      if (error && child.exitCode === null && child.signalCode === null) onError(error)
    })
  })
}

/** Lets the child leave by itself, then ends it: a child that computes sees the closed channel only after its batch. */
function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    const timer = setTimeout(() => child.kill('SIGKILL'), exitGraceMilliseconds)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    if (child.connected) child.disconnect()
  })
}

function errorOf(reply: Extract<Reply<unknown>, { kind: 'failed' }>): QontrastError {
  return new QontrastError(reply.code, reply.message, { cause: reply.stack })
}

function closedError(): QontrastError {
  return new QontrastError('closed', 'The encoder was closed.')
}
