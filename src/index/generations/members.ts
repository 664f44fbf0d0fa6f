import type { Encoder } from '../../embed/index.ts'
import { isQontrastError, messageOf } from '../../shared/index.ts'
import { checkSameSchema } from '../stores/check.ts'
import { nextAlias } from '../stores/names.ts'
import type { CollectionSchema, VectorStore } from '../stores/store.ts'
import { within } from '../stores/within.ts'
import type { Encoders } from './encoders.ts'
import { ensureIndex, type Generation, indexNotFound } from './generations.ts'

/** A generation together with the encoder that fits it: only as such are its vectors read and written. */
export interface Member extends Generation {
  readonly encoder: Encoder
}

/** Follows an index from generation to generation. */
export interface Members {
  /** The one to search. It stays the same until the encoder of a new one is loaded, in the background. */
  searched(): Promise<Member>
  /** Moves over to the generation that the index names now, once its encoder is loaded. Rejects with `index-not-found` or `encoder-mismatch`. */
  follow(): Promise<Member>
  /** Rejects with `encoder-mismatch` where the collection is another one by now: it was dropped, and made anew with another encoder. */
  check(member: Member, signal?: AbortSignal): Promise<void>
  /** Makes the index where there is none and that is wanted, and checks that it is the one that was opened. */
  ensure(): Promise<void>
  /** What a write goes to: the current generation first, then the one that is being built. */
  live(): Promise<Member[]>
  /** The same by name; no encoder is loaded. */
  liveCollections(): Promise<string[]>
  close(): Promise<void>
}

const lookEveryMilliseconds = 1_000

export function createMembers({
  store,
  index,
  asked,
  create,
  existing,
  encoders,
}: {
  store: VectorStore
  index: string
  asked: CollectionSchema
  create: boolean
  existing: Generation | undefined
  encoders: Encoders
}): Members {
  const known = new Map<string, Member>()
  let bound: Member | undefined
  let lookedAt = performance.now()
  let looking: Promise<unknown> | undefined
  let warned: string | undefined

  async function memberOf({ collection, schema }: Generation): Promise<Member> {
    const before = known.get(collection)
    if (before?.schema.encoder.fingerprint === schema.encoder.fingerprint) return before // else dropped and made anew
    const member = { collection, schema, encoder: await encoders.fitting(index, schema) }
    known.set(collection, member)
    return member
  }

  async function member(collection: string): Promise<Member | undefined> {
    const info = await store.info(collection)
    return info && memberOf({ collection: info.name, schema: info.schema })
  }

  /** The first time, the encoder must be the one that was given. */
  async function bind(): Promise<Member> {
    if (bound) return bound
    const generation = existing ?? (await store.info(index).then((info) => info && { ...info, collection: info.name }))
    if (!generation) throw await indexNotFound(store, index)
    checkSameSchema(index, generation.schema, asked)
    bound = await memberOf(generation)
    return bound
  }

  async function moveTo(collection: string): Promise<Member | undefined> {
    const found = bound?.collection === collection ? bound : await member(collection)
    bound = found ?? bound
    return found
  }

  /** Works with what the index names now; again where that was switched, and dropped, in between. */
  async function whileSwitching<T>(work: (collections: string[]) => Promise<T | undefined>): Promise<T> {
    await bind()
    for (;;) {
      const collections = await liveCollections()
      const result = await work(collections)
      if (result !== undefined) return result
      if ((await liveCollections())[0] === collections[0]) throw await indexNotFound(store, index)
    }
  }

  const follow = () => whileSwitching(([current = index]) => moveTo(current))

  async function liveCollections(): Promise<string[]> {
    const aliases = await store.aliases()
    const current = aliases.get(index) ?? index
    const next = aliases.get(nextAlias(index))
    return next === undefined || next === current ? [current] : [current, next]
  }

  function lookInBackground(): void {
    if (looking || performance.now() - lookedAt < lookEveryMilliseconds) return
    looking = follow()
      .catch((error: unknown) => {
        const message = messageOf(error)
        if (message !== warned) process.emitWarning(`Searching on as before: ${message}`, 'QontrastWarning')
        warned = message
      })
      .finally(() => {
        lookedAt = performance.now()
        looking = undefined
      })
  }

  return {
    async searched() {
      const member = await bind()
      lookInBackground()
      return member
    },
    follow,
    async check({ collection, schema }, signal) {
      const stored = await within(store, signal).schema(collection)
      if (stored) checkSameSchema(index, stored, schema) // where it is gone, what is asked of it says so
    },
    async ensure() {
      const schema = await store.schema(index) // a cheap look: every write begins with it
      if (!schema && !create) throw await indexNotFound(store, index)
      if (!schema) bound = await memberOf(await ensureIndex(store, index, bound?.schema ?? asked))
      else if (!bound) await bind()
      else if ((await liveCollections())[0] === bound.collection) checkSameSchema(index, schema, bound.schema) // else re-indexed since: writes follow
    },
    live: () =>
      whileSwitching(async ([current = index, next]) => {
        const first = await moveTo(current)
        const building = next === undefined ? undefined : await member(next)
        return first && (building ? [first, building] : [first])
      }),
    liveCollections,
    async close() {
      await looking
      await encoders.close()
    },
  }
}

/** True for what a call on a generation ends with that was dropped meanwhile, and that no write needs to reach any more. */
export async function isGone(error: unknown, collection: string, members: Members): Promise<boolean> {
  return isQontrastError(error, 'index-not-found') && !(await members.liveCollections()).includes(collection)
}

/** Vectors are compared with those of the encoder's own generation; where that was dropped meanwhile, the work moves to the new one. */
export async function whereSearched<T>(members: Members, work: (member: Member) => Promise<T>): Promise<T> {
  const member = await members.searched()
  try {
    return await work(member)
  } catch (error) {
    if (!isQontrastError(error, 'index-not-found')) throw error
    const moved = await members.follow()
    if (moved.collection === member.collection) throw error
    return work(moved)
  }
}
