import { randomBytes } from 'node:crypto'
import { orAborted, QontrastError } from '../../shared/index.ts'
import { isGone, type Members } from '../generations/members.ts'
import type { PointKey, VectorStore } from '../stores/store.ts'
import { deleteEverywhere } from './delete-documents.ts'
import { differing, lookAt } from './looks.ts'
import type { PreparedDocument } from './prepare.ts'
import { randomPause } from './random-pause.ts'
import { inTurn, turnKeys } from './turns.ts'
import { isWhole, type PreparedWrite, prepareWrite, put, type WriteSettings } from './write-documents.ts'

type Prepared = ReadonlyMap<string, PreparedDocument>

/** What became of documents in the current generation. */
export interface Stored {
  readonly added: readonly string[]
  readonly updated: readonly string[]
  /** They were there, or another writer put the same version meanwhile. */
  readonly unchanged: readonly string[]
  /** Documents that failed in a generation that came up meanwhile, or were left out of it. */
  readonly failures: PreparedWrite['failures']
}

/** Writes to every live generation of an index. */
export interface LiveWriter {
  /** One write for each generation, the current one first. */
  prepare(prepared: Prepared): Promise<PreparedWrite[]>
  /**
   * Documents are stored once every generation that is live has them whole, in this version: of writers that are at it together, the last one wins in all.
   * A re-index that began or ended meanwhile misses nothing. Rejects with `store-busy` where others get in between again and again.
   */
  store(prepared: Prepared, writes: readonly PreparedWrite[]): Promise<Stored>
  /** Brings the indexes of all generations up to date where that pays. */
  optimize(when: 'due' | 'background'): Promise<void>
}

const mostTries = 12
/** Milliseconds. */
const pauses = { first: 4, longest: 1_500 }

export function createLiveWriter({
  store,
  members,
  ...settings
}: WriteSettings & { readonly store: VectorStore; readonly members: Members }): LiveWriter {
  const writer = randomBytes(9).toString('base64url')

  async function prepare(prepared: Prepared, done: ReadonlySet<string> = new Set()): Promise<PreparedWrite[]> {
    const writes: PreparedWrite[] = []
    for (const member of await orAborted(members.live(), settings.signal)) {
      if (done.has(member.collection)) continue
      const write = await unlessGone(member.collection, prepareWrite(store, member, [...prepared.values()], settings))
      if (write) writes.push(write)
    }
    return writes
  }

  /** A generation that was dropped meanwhile needs nothing any more. */
  async function unlessGone<T>(collection: string, work: Promise<T>): Promise<T | undefined> {
    try {
      return await work
    } catch (error) {
      if (await isGone(error, collection, members)) return undefined
      throw error
    }
  }

  /**
   * The last action of every writer is a look that began after all it wrote, and saw each document whole, and the same in all generations:
   * its own version, or that of a writer who came later. So the look that began last of all saw what stays.
   */
  async function storeAll(prepared: Prepared, writes: readonly PreparedWrite[]): Promise<Stored> {
    const failures: { id: string; error: unknown }[] = []
    const known = new Map(writes.map((write) => [write.member.collection, write]))
    const changed = new Set(writes.flatMap(({ points }) => [...points.keys()]).filter((id) => prepared.has(id)))
    const counted = writes[0]?.member.collection ?? ''
    /** Of each document that was written to the current generation: what was there before. */
    const before = new Map<string, readonly PointKey[]>()
    let wrong: ReadonlySet<string> = changed

    for (let tries = 0; ; tries++) {
      let seen = await inTurn(turnKeys(store, counted, wrong), async () => {
        for (const collection of known.keys()) await putIn(collection, wrong)
        return lookAt(store, members, [...changed])
      })
      wrong = differing(seen, changed)
      const fresh = seen.live.filter((collection) => !known.has(collection))
      for (const write of fresh.length > 0 ? await prepare(prepared, new Set(known.keys())) : []) take(write)
      if (fresh.length > 0) continue
      if (wrong.size > 0) {
        await randomPause(tries, pauses)
        seen = await lookAt(store, members, [...changed]) // whoever is at it may have finished
        wrong = differing(seen, changed)
      }
      if (wrong.size === 0)
        return { ...tell(prepared, before, seen.keys.get(counted) ?? [...seen.keys.values()][0]), failures }
      if (tries >= mostTries) throw tornAgain(wrong)
      for (const collection of seen.live) await embedMissing(collection, wrong)
    }

    async function putIn(collection: string, ids: ReadonlySet<string>): Promise<void> {
      const points = new Map([...(known.get(collection)?.points ?? [])].filter(([id]) => ids.has(id)))
      if (points.size === 0) return
      const done = await unlessGone(collection, put(store, collection, points, writer))
      if (!done || collection !== counted) return
      for (const id of done.written) if (!before.has(id)) before.set(id, done.before.get(id) ?? [])
    }

    /** A generation that came up meanwhile gets all that differs there. */
    function take(write: PreparedWrite): void {
      known.set(write.member.collection, write)
      for (const id of write.points.keys()) if (prepared.has(id)) changed.add(id)
      giveUp(write)
      wrong = changed
    }

    function giveUp({ failures: failed, left }: PreparedWrite): void {
      failures.push(
        ...failed,
        ...left.map((id) => ({ id, error: new QontrastError('aborted', 'The call was aborted.') })),
      )
      for (const { id } of failures) changed.delete(id)
    }

    /** What had been there in this version when it was compared, and was changed by another writer since. */
    async function embedMissing(collection: string, ids: ReadonlySet<string>): Promise<void> {
      const write = known.get(collection)
      const missing = [...ids].filter((id) => !write?.points.has(id)).flatMap((id) => prepared.get(id) ?? [])
      if (!write || missing.length === 0) return
      const more = await unlessGone(collection, prepareWrite(store, write.member, missing, settings))
      if (!more) return
      known.set(collection, { ...write, points: new Map([...write.points, ...more.points]) })
      giveUp(more)
    }
  }

  /** Who put what: of several that put one version of a new document, the first did. A part that was there before was no document yet. */
  function tell(
    prepared: Prepared,
    before: ReadonlyMap<string, readonly PointKey[]>,
    keys: ReadonlyMap<string, readonly PointKey[]> | undefined,
  ): Omit<Stored, 'failures'> {
    const [added, updated, unchanged]: [string[], string[], string[]] = [[], [], []]
    for (const [id, { hash }] of prepared) {
      const was = before.get(id)
      const torn = was && was.length > 0 && !isWhole(was, was[0]?.hash ?? '')
      const first = keys?.get(id)?.find(({ chunk }) => chunk === 0)
      const anothers = first?.hash === hash && first.writer !== writer
      if (!was || (anothers && !torn)) unchanged.push(id)
      else if (was.length > 0) updated.push(id)
      else added.push(id)
    }
    return { added, updated, unchanged }
  }

  return {
    prepare: (prepared) => prepare(prepared),
    async store(prepared, writes) {
      const stored = await storeAll(prepared, writes)
      const replaced = replacedBy(prepared, writes)
      if (replaced.size === 0) return stored
      await deleteEverywhere(store, members, { documents: [...new Set(replaced.values())] })
      const moved = (id: string) => replaced.has(id)
      return {
        ...stored,
        added: stored.added.filter((id) => !moved(id)),
        updated: [...stored.updated, ...stored.added.filter(moved)],
      }
    },
    async optimize(when) {
      for (const collection of await members.liveCollections()) {
        await unlessGone(collection, store.optimize(collection, { when }))
      }
    },
  }
}

/** Document → the stored one that it replaces, and that goes now. */
function replacedBy(prepared: Prepared, writes: readonly PreparedWrite[]): Map<string, string> {
  const replaced = new Map<string, string>()
  for (const { document } of prepared.values()) {
    const { id, replaces } = document
    if (replaces === undefined || prepared.has(replaces)) continue
    if (writes.some(({ keys }) => keys.has(replaces))) replaced.set(id, replaces)
  }
  return replaced
}

function tornAgain([id = '']: Iterable<string>): QontrastError {
  return new QontrastError(
    'store-busy',
    `Other writers put document ${JSON.stringify(id)} at the same time, again and again. Run this again.`,
  )
}
