import type { ReindexProgress, ReindexReport } from '../../index/index.ts'
import { onAccountOf, QontrastError } from '../../shared/index.ts'
import { problems, toQontrastError } from '../problem.ts'

/** A re-index or a rollback: how far it is, or how it ended. */
export interface JobState {
  readonly index: string
  readonly kind: 'reindex' | 'rollback'
  readonly model: string | null
  readonly status: 'running' | 'done' | 'failed'
  readonly progress: ReindexProgress | null
  readonly report: ReindexReport | null
  readonly failure: { readonly code: string; readonly reason: string } | null
}

export type Work = (options: {
  signal: AbortSignal
  onProgress: (progress: ReindexProgress) => void
}) => Promise<ReindexReport>

/** The last job of each index, in this process; broken off, a re-index goes on where it was when it is started again. */
export interface Jobs {
  /** Rejects with `already-exists` while one is running. */
  start(job: Pick<JobState, 'index' | 'kind' | 'model'>, work: Work): JobState
  /** Rejects with `not-found`. */
  state(index: string): JobState
  /** The state now and after each change, until the job has ended. */
  watch(index: string, signal: AbortSignal): AsyncGenerator<JobState, void, undefined>
}

export function createJobs(draining: AbortSignal = new AbortController().signal): Jobs {
  const states = new Map<string, JobState>()
  const changes = new EventTarget()

  function change(state: JobState, changed: Partial<JobState>): void {
    states.set(state.index, { ...(states.get(state.index) ?? state), ...changed })
    changes.dispatchEvent(new Event(state.index))
  }

  function state(index: string): JobState {
    const found = states.get(index)
    if (found) return found
    throw new QontrastError('not-found', `The index '${index}' is not being re-indexed, nor was it by this server.`)
  }

  return {
    state,
    start(job, work) {
      if (states.get(job.index)?.status === 'running')
        throw new QontrastError('already-exists', `The index '${job.index}' is being re-indexed already.`)
      const started: JobState = { ...job, status: 'running', progress: null, report: null, failure: null }
      states.set(job.index, started)
      const begin = () => work({ signal: draining, onProgress: (progress) => change(started, { progress }) })
      onAccountOf({ owner: job.index }, begin).then(
        (report) => change(started, { status: 'done', report }),
        (error: unknown) => {
          const { code, message } = toQontrastError(error)
          change(started, { status: 'failed', failure: { code, reason: problems[code].says ?? message } })
        },
      )
      return started
    },
    async *watch(index, signal) {
      for (;;) {
        const now = state(index)
        yield now
        if (now.status !== 'running' || signal.aborted) return
        if (states.get(index) === now) await nextChange(changes, index, signal)
      }
    },
  }
}

function nextChange(changes: EventTarget, index: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = new AbortController()
    const done = () => {
      stop.abort()
      resolve()
    }
    changes.addEventListener(index, done, { signal: stop.signal })
    signal.addEventListener('abort', done, { signal: stop.signal })
  })
}
