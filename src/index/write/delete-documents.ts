import { QontrastError } from '../../shared/index.ts'
import { isGone, type Members } from '../generations/members.ts'
import type { Selector, VectorStore } from '../stores/store.ts'
import { differing, lookAt } from './looks.ts'
import { randomPause } from './random-pause.ts'
import { inTurn, turnKeys } from './turns.ts'

const mostLooks = 10
/** Milliseconds. */
const pauses = { first: 10, longest: 500 }
const documentsAtOnce = 1_000

/**
 * Deletes from every live generation: also from one that came up while it deleted. The last action is a look: each document is gone, or
 * another writer has put it whole meanwhile, in all generations alike. Rejects with `store-busy` where others get in between again and again.
 */
export async function deleteEverywhere(store: VectorStore, members: Members, selector: Selector): Promise<void> {
  if ('filter' in selector) return deleteFiltered(store, members, selector)
  if ('ids' in selector) throw new QontrastError('internal', 'documents are deleted whole')
  for (let at = 0; at < selector.documents.length; at += documentsAtOnce)
    await deleteDocuments(store, members, selector.documents.slice(at, at + documentsAtOnce))
}

async function deleteDocuments(store: VectorStore, members: Members, documents: readonly string[]): Promise<void> {
  let rest = documents
  for (let look = 0; rest.length > 0; look++) {
    rest = await inTurn(turnKeys(store, await currentOf(members), rest), async () => {
      await deleteFrom(store, members, { documents: rest })
      return torn(store, members, rest)
    })
    if (rest.length === 0) return
    if (look >= mostLooks) throw busy(rest)
    await randomPause(look, pauses)
    rest = await torn(store, members, rest) // a writer may have finished by now
  }
}

/** A filter is asked once more where it left a part of a document; what it does not match is another writer's, who looks as well. */
async function deleteFiltered(
  store: VectorStore,
  members: Members,
  selector: Extract<Selector, { filter: unknown }>,
): Promise<void> {
  const matching = new Set<string>()
  for (const collection of await members.liveCollections()) {
    let cursor: string | undefined
    do {
      const { keys, cursor: next }: Awaited<ReturnType<VectorStore['scrollKeys']>> = await store
        .scrollKeys(collection, { filter: selector.filter, ...(cursor === undefined ? {} : { cursor }) })
        .catch(unlessGone(members, collection, { keys: [], cursor: undefined }))
      for (const { documentId } of keys) matching.add(documentId)
      cursor = next
    } while (cursor !== undefined)
  }
  let rest = [...matching]
  for (let look = 0; ; look++) {
    await inTurn(turnKeys(store, await currentOf(members), rest), () => deleteFrom(store, members, selector))
    const left: string[] = []
    for (let at = 0; at < rest.length; at += documentsAtOnce)
      left.push(...(await torn(store, members, rest.slice(at, at + documentsAtOnce))))
    rest = left
    if (rest.length === 0 || look >= mostLooks) return
    await randomPause(look, pauses)
  }
}

async function currentOf(members: Members): Promise<string> {
  return (await members.liveCollections())[0] ?? ''
}

async function deleteFrom(store: VectorStore, members: Members, selector: Selector): Promise<void> {
  const done = new Set<string>()
  for (;;) {
    const todo = (await members.liveCollections()).filter((collection) => !done.has(collection))
    if (todo.length === 0) return
    for (const collection of todo) {
      await store.delete(collection, selector).catch(unlessGone(members, collection, 0))
      done.add(collection)
    }
  }
}

async function torn(store: VectorStore, members: Members, documents: readonly string[]): Promise<string[]> {
  return [...differing(await lookAt(store, members, documents), documents)]
}

/** What stands for a call on a generation that was dropped meanwhile. */
function unlessGone<T>(members: Members, collection: string, otherwise: T): (error: unknown) => Promise<T> {
  return async (error) => {
    if (await isGone(error, collection, members)) return otherwise
    throw error
  }
}

function busy([id = '']: readonly string[]): QontrastError {
  return new QontrastError(
    'store-busy',
    `Other writers put document ${JSON.stringify(id)} while it was deleted, again and again. Run this again.`,
  )
}
