import { isQontrastError, QontrastError } from '../shared/index.ts'
import { beatMilliseconds, type Child, startChild } from './child.ts'

export interface ProcessPoolOptions<Setup, Ready> {
  /** The module that the child runs; it calls `serveProcess`. */
  readonly entry: URL
  readonly size: number
  /** Sent to every child before its first task. */
  readonly setup: Setup
  /** A child that shows no sign of life for so many seconds is ended. */
  readonly patienceSeconds?: number
  /** A task that takes longer ends its child, rejects with `deadline-exceeded` and is not tried again. */
  readonly taskSeconds?: number
  /** Called with what each child answers to its setup, those that take a lost one's place included. */
  readonly onReady?: (ready: Ready) => void
}

/** A child that ended unasked, or was ended because it showed no sign of life. */
export interface ChildLoss {
  readonly pid: number | undefined
  readonly reason: string
}

/** Child processes that work on one task at a time each. A crash costs only the task, which is tried once more. */
export interface ProcessPool<Task, Result, Ready> {
  readonly size: number
  /** What the first of the children answered to its setup. */
  readonly ready: Ready
  /** Tasks that would start at once. */
  idle(): number
  /** Calls the listener whenever a child becomes idle. */
  onIdle(listener: () => void): void
  /** Calls the listener whenever a child is lost; another one takes its place. */
  onLoss(listener: (loss: ChildLoss) => void): void
  /** Runs a task on an idle child; waits for one where none is idle. Rejects with `worker-crashed` after the second crash. */
  run(task: Task): Promise<Result>
  /** Process ids of the children, for tests and metrics. */
  pids(): number[]
  close(): Promise<void>
}

interface Job<Task, Result> {
  readonly task: Task
  attempts: number
  resolve(result: Result): void
  reject(error: unknown): void
}

interface Slot {
  readonly child: Child
  readonly since: number
  ready: boolean
  busy: boolean
}

/** A child that lived shorter is replaced when there is work for it: whatever ends it may end the next one too. */
const steadyMilliseconds = 10_000

/** Starts the children and resolves once each has taken its setup; rejects with the first setup's error. */
export async function createProcessPool<Setup, Task, Result, Ready>({
  entry,
  size,
  setup,
  patienceSeconds = 10,
  taskSeconds = Number.POSITIVE_INFINITY,
  onReady,
}: ProcessPoolOptions<Setup, Ready>): Promise<ProcessPool<Task, Result, Ready>> {
  const queue: Job<Task, Result>[] = []
  const slots: Slot[] = []
  const idleListeners: (() => void)[] = []
  const lossListeners: ((loss: ChildLoss) => void)[] = []
  let failedAt = Number.NEGATIVE_INFINITY
  let closed = false

  const started = await Promise.allSettled(Array.from({ length: size }, () => start()))
  const failure = started.find((outcome) => outcome.status === 'rejected')
  if (failure) {
    await close()
    throw failure.reason
  }
  const [ready] = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  if (ready === undefined) throw new QontrastError('internal', 'a process pool of size 0')

  return {
    size,
    ready,
    idle: () => (slots.length === 0 ? 1 : slots.filter((slot) => !slot.busy).length - queue.length),
    onIdle: (listener) => idleListeners.push(listener),
    onLoss: (listener) => lossListeners.push(listener),
    run(task) {
      if (closed) return Promise.reject(closedError())
      return new Promise((resolve, reject) => {
        queue.push({ task, attempts: 0, resolve, reject })
        fill()
        dispatch()
      })
    },
    pids: () => slots.flatMap(({ child }) => child.pid ?? []),
    close,
  }

  async function start(): Promise<Ready> {
    const mostMissed = (patienceSeconds * 1_000) / beatMilliseconds
    const child = startChild(entry, { mostMissed, onExit: (reason) => lose(slot, reason) })
    const slot: Slot = { child, since: performance.now(), ready: false, busy: true }
    slots.push(slot)
    try {
      const answer = await child.ask<Ready>({ kind: 'setup', setup })
      slot.ready = true
      onReady?.(answer)
      release(slot)
      return answer
    } catch (error) {
      await child.end()
      throw error
    }
  }

  /** One that never became ready is the business of whoever started it. */
  function lose(slot: Slot, reason: string): void {
    slots.splice(slots.indexOf(slot), 1)
    if (closed || !slot.ready) return
    for (const listener of lossListeners) listener({ pid: slot.child.pid, reason })
    if (slot.busy || performance.now() - slot.since > steadyMilliseconds) void replace()
  }

  /** Starts what is missing; where that failed just now and others are left, not yet again. */
  function fill(): void {
    const waits = slots.length > 0 && performance.now() - failedAt < steadyMilliseconds
    for (let missing = waits ? 0 : size - slots.length; missing > 0; missing--) void replace()
  }

  async function replace(): Promise<void> {
    try {
      await start()
    } catch (error) {
      failedAt = performance.now()
      if (slots.length > 0) return
      for (const waiting of queue.splice(0)) waiting.reject(closed ? closedError() : error)
      for (const listener of idleListeners) listener()
    }
  }

  function release(slot: Slot): void {
    slot.busy = false
    slot.child.hold(false)
    dispatch()
    if (!slot.busy) for (const listener of idleListeners) listener()
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
    slot.child.hold(true)
    if (!slot.child.silent) job.attempts += 1 // else it is no fault of the task's if the process is ended
    const limit = limited(taskSeconds, () => slot.child.kill())
    try {
      const result = await slot.child.ask<Result>({ kind: 'task', task: job.task })
      limit.stop()
      release(slot)
      job.resolve(result)
    } catch (error) {
      limit.stop()
      if (limit.passed) return job.reject(tooLong(taskSeconds))
      if (isQontrastError(error, 'worker-crashed')) return recover(job, error)
      release(slot)
      job.reject(error)
    }
  }

  /** After a crash: the job is at the head of the queue again if this was its first attempt. */
  function recover(job: Job<Task, Result>, error: unknown): void {
    if (closed) job.reject(closedError())
    else if (job.attempts >= 2) job.reject(error)
    else {
      queue.unshift(job)
      dispatch()
    }
  }

  async function close(): Promise<void> {
    closed = true
    for (const job of queue.splice(0)) job.reject(closedError())
    await Promise.all(slots.map(({ child }) => child.end()))
  }
}

/** Calls `onPassed` after so many seconds; never where there is no limit. */
function limited(seconds: number, onPassed: () => void): { readonly passed: boolean; stop(): void } {
  if (!Number.isFinite(seconds)) return { passed: false, stop() {} }
  let passed = false
  const timer = setTimeout(() => {
    passed = true
    onPassed()
  }, seconds * 1_000)
  return {
    get passed() {
      return passed
    },
    stop: () => clearTimeout(timer),
  }
}

function tooLong(seconds: number): QontrastError {
  return new QontrastError('deadline-exceeded', `It took longer than ${seconds} s.`)
}

function closedError(): QontrastError {
  return new QontrastError('closed', 'The encoder was closed.')
}
