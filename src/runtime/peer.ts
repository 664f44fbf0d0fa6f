import { EventEmitter } from 'node:events'
import type { MessagePort, Worker } from 'node:worker_threads'
import { errorOf, failed, type Reply } from './reply.ts'

/** Either end of a conversation between two threads, each of which may ask the other. */
export interface Peer {
  /** Rejects with the other end's error. Memory in `moved` is the other end's from then on, instead of being copied. */
  ask<Answer>(request: object, moved?: readonly ArrayBuffer[]): Promise<Answer>
}

/** An answer, and which of its memory is moved instead of being copied. */
export interface Answered<Answer> {
  readonly answer: Answer
  readonly moved?: readonly ArrayBuffer[]
}

export interface PeerOptions<Request> {
  /** Called for one request after the other. */
  answer(request: Request): Promise<Answered<unknown>>
  /** Told how many questions wait for an answer, whenever that changes. */
  onWaiting?(count: number): void
}

type Message<Request> = { readonly id: number } & ({ readonly request: Request } | { readonly reply: Reply<unknown> })

export function createPeer<Request>(
  port: MessagePort | Worker,
  { answer, onWaiting }: PeerOptions<Request>,
): Peer & { fail(error: Error): void } {
  const replies = new EventEmitter()
  const waiting = new Map<number, (error: Error) => void>()
  let failure: Error | undefined
  let asked = 0
  let turn: Promise<void> = Promise.resolve()

  port.on('message', (message: Message<Request>) => {
    if ('reply' in message) replies.emit(`${message.id}`, message.reply)
    else turn = turn.then(() => reply(message.id, message.request))
  })

  async function reply(id: number, request: Request): Promise<void> {
    try {
      const { answer: result, moved = [] } = await answer(request)
      port.postMessage({ id, reply: { kind: 'done', result } }, moved)
    } catch (error) {
      port.postMessage({ id, reply: failed(error) })
    }
  }

  function settle(id: number): void {
    waiting.delete(id)
    replies.removeAllListeners(`${id}`)
    onWaiting?.(waiting.size)
  }

  return {
    ask<Answer>(request: object, moved: readonly ArrayBuffer[] = []) {
      return new Promise<Answer>((resolve, reject) => {
        if (failure) return reject(failure)
        const id = asked++
        waiting.set(id, reject)
        onWaiting?.(waiting.size)
        replies.once(`${id}`, (given: Reply<Answer>) => {
          settle(id)
          if (given.kind === 'done') resolve(given.result)
          else reject(errorOf(given))
        })
        try {
          port.postMessage({ id, request }, moved)
        } catch (error) {
          settle(id)
          reject(error)
        }
      })
    },
    fail(error) {
      failure = error
      for (const [id, reject] of [...waiting]) {
        settle(id)
        reject(error)
      }
    },
  }
}
