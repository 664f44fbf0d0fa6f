import { type ChildProcess, fork } from 'node:child_process'
import { Readable } from 'node:stream'
import { messageOf, QontrastError } from '../shared/index.ts'
import { errorOf, type Reply } from './reply.ts'

/** A process that answers one request after the other. */
export interface Child {
  readonly pid: number | undefined
  /** False once it has ended, or its channel has. */
  readonly connected: boolean
  /** True while it shows no sign of life. */
  readonly silent: boolean
  /** Sends a request and waits for its reply. Rejects with the child's own error, or `worker-crashed` where it ends before. */
  ask<Answer>(request: object): Promise<Answer>
  /** Keeps this process alive, or no longer. */
  hold(held: boolean): void
  /** Ends it at once, whatever it does. */
  kill(): void
  /** Lets it leave by itself, then ends it: a child that computes sees the closed channel only after its batch. */
  end(): Promise<void>
}

export interface ChildOptions {
  /** Beats in a row that may fail to come: looked at on our own clock, so that they do not count while this process is stopped itself. */
  readonly mostMissed: number
  /** It has ended, and why. */
  readonly onExit: (reason: string) => void
}

/** The file descriptor through which a child shows that it runs. */
export const beatDescriptor = 4
export const beatMilliseconds = 1_000
/** Of a child that has only been started: Node itself takes a while to start on a busy machine. */
const mostMissedAtStart = 60
const missedWhenSilent = 2
const exitGraceMilliseconds = 2_000

/** Starts a module that calls `serveProcess`; a child that stops showing that it runs is killed. */
export function startChild(entry: URL, { mostMissed, onExit }: ChildOptions): Child {
  const child = fork(entry, [], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'],
  })
  let stuck = false
  const beats = watchBeats(child, {
    mostMissed,
    onSilence() {
      stuck = true
      child.kill('SIGKILL')
    },
  })
  child.once('exit', (code, signal) => gone(stuck ? 'no sign of life' : (signal ?? `exit code ${code}`)))
  child.once('error', (cause) => {
    if (child.pid === undefined) gone(messageOf(cause)) // it never was
  })
  function gone(reason: string): void {
    beats.stop()
    onExit(reason)
  }

  return {
    pid: child.pid,
    get connected() {
      return child.connected
    },
    get silent() {
      return beats.missed >= missedWhenSilent
    },
    ask: (request) => ask(child, request),
    hold(held) {
      if (held) child.ref()
      else child.unref()
      if (held) child.channel?.ref()
      else child.channel?.unref()
    },
    kill: () => child.kill('SIGKILL'),
    end: () => end(child),
  }
}

/** Calls `onSilence` once too many beats have failed to come. It keeps nothing alive. */
function watchBeats(
  child: ChildProcess,
  { mostMissed, onSilence }: { readonly mostMissed: number; readonly onSilence: () => void },
): { readonly missed: number; stop(): void } {
  const beats = child.stdio[beatDescriptor]
  let missed = 0
  let most = mostMissedAtStart
  if (beats instanceof Readable) {
    beats.on('data', () => {
      missed = 0
      most = mostMissed
    })
    beats.on('error', () => {}) // of a child that is gone
    if ('unref' in beats && typeof beats.unref === 'function') beats.unref()
  }
  const timer = setInterval(() => {
    if (++missed > most) onSilence()
  }, beatMilliseconds).unref()
  return {
    get missed() {
      return missed
    },
    stop: () => clearInterval(timer),
  }
}

function ask<Answer>(child: ChildProcess, request: object): Promise<Answer> {
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

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.ref() // else the process ends, with code 13, before this has settled
    const timer = setTimeout(() => child.kill('SIGKILL'), exitGraceMilliseconds)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    if (child.connected) child.disconnect()
  })
}
