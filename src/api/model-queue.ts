import { createFairTurns } from '../shared/index.ts'
import { overloaded } from './overloaded.ts'

/** Searches wait for searches alone; bulk is all else: embeddings calls, documents that are put, re-indexing. */
export const workKinds = ['search', 'bulk'] as const
export type WorkKind = (typeof workKinds)[number]

/** What waits for one model, by kind: neither kind has to wait in the other's line. */
export type ModelQueue = Readonly<Record<WorkKind, WorkQueue>>

/** The line of one kind of work, shared fairly between owners: API keys. */
export interface WorkQueue {
  /** Of the calls that were let in, and of what the model works on; never more than the limit. */
  readonly cost: number
  /** Pieces that wait for their turn, also of calls that wait outside. */
  readonly waiting: number
  /** Lets a call in; `overloaded` where its owner has more than their share. An owner's only call may be of any size: what is past the limit waits outside. */
  letIn(cost: number, owner: string): Place
  /** A place outside, for those who wait however long it takes. */
  stayOutside(owner: string): Place
  /** True from when an owner was refused until a tenth of their share is free again: what would be refused need not be read. */
  isClosedFor(owner: string): boolean
}

/** Of one call, until it leaves. */
export interface Place {
  /** Waits for the turn of a piece of the call's work; the function it gives says that the model is done with it. */
  turn(cost: number, signal: AbortSignal | undefined): Promise<() => void>
  leave(): void
}

export interface ModelQueueOptions {
  /** The model's public name. */
  readonly model: string
  /** Cost of calls that are let in, for each kind. */
  readonly limit: number
  /** Cost of what the model is given at a time, for each kind. */
  readonly atOnce: number
  readonly onRefusal?: (kind: WorkKind) => void
}

/** Share of the newest measurement in the speed that `Retry-After` goes by. */
const newest = 0.2
/** Cost a second: tokens, of texts. */
const firstGuess = 2_000
const longestGap = 5
const opensAtShare = 0.9

export function createModelQueue(options: ModelQueueOptions): ModelQueue {
  return { search: createWorkQueue('search', options), bulk: createWorkQueue('bulk', options) }
}

function createWorkQueue(kind: WorkKind, { model, limit, atOnce, onRefusal }: ModelQueueOptions): WorkQueue {
  const turns = createFairTurns(atOnce)
  const owned = new Map<string, number>()
  const refused = new Set<string>()
  const speed = createSpeed()
  let counted = 0

  const ownedBy = (owner: string) => owned.get(owner) ?? 0
  const shareOf = (owner: string) => limit / (owned.size + (owned.has(owner) ? 0 : 1))

  function own(owner: string, more: number): void {
    const cost = ownedBy(owner) + more
    if (cost > 0) owned.set(owner, cost)
    else owned.delete(owner)
  }

  function secondsLeft(): number {
    return Math.ceil([...owned.values()].reduce((sum, cost) => sum + cost, 0) / speed.perSecond)
  }

  function count(cost: number): number {
    counted += cost
    return cost
  }

  function createPlace(owner: string, cost: number): Place {
    let left = cost
    const isInside = cost > 0 && counted + cost <= limit
    let inside = isInside ? count(cost) : 0
    own(owner, cost)
    return {
      async turn(piece, signal) {
        const end = await turns.take({ owner, cost: piece, signal })
        const taken = isInside ? 0 : count(Math.min(piece, limit - counted))
        return () => {
          counted -= taken
          speed.measure(piece)
          drop(Math.min(piece, left))
          end()
        }
      },
      leave: () => drop(left),
    }

    function drop(done: number): void {
      const gone = Math.min(done, inside)
      inside -= gone
      counted -= gone
      left -= done
      if (done > 0) own(owner, -done)
    }
  }

  return {
    get cost() {
      return counted
    },
    get waiting() {
      return turns.waiting
    },
    letIn(cost, owner) {
      const has = ownedBy(owner)
      if (limit > 0 && (has === 0 || has + cost <= shareOf(owner))) return createPlace(owner, cost)
      refused.add(owner)
      onRefusal?.(kind)
      const share = Math.floor(shareOf(owner))
      const reason = `Work of cost ${has} (tokens, of texts) of this key waits for the model '${model}'; ${cost} more would exceed its share of ${share}.`
      throw overloaded(reason, Math.max(1, Math.min(60, secondsLeft())))
    },
    stayOutside: (owner) => createPlace(owner, 0),
    isClosedFor(owner) {
      if (refused.has(owner) && ownedBy(owner) <= shareOf(owner) * opensAtShare) refused.delete(owner)
      return limit === 0 || refused.has(owner)
    },
  }
}

/** Cost a second, as the model works it off while it has work. */
function createSpeed(): { readonly perSecond: number; measure(cost: number): void } {
  let perSecond = firstGuess
  let before = performance.now()
  return {
    get perSecond() {
      return Math.max(1, perSecond)
    },
    measure(cost) {
      const now = performance.now()
      const elapsed = Math.max(1, now - before) / 1_000
      before = now
      if (elapsed < longestGap) perSecond += newest * (cost / elapsed - perSecond)
    },
  }
}
