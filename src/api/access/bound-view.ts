import {
  checkNarrows,
  type Fields,
  type FilterInput,
  matchesFilter,
  type SearchMode,
  strayField,
  toFilter,
} from '../../index/index.ts'
import { type Document, isQontrastError, QontrastError } from '../../shared/index.ts'
import { examplesOf, type IndexView, narrowed, type ViewQuery } from '../view.ts'
import type { Access } from './keys.ts'
import { type TenantSpace, tenantSpace } from './tenant-space.ts'

const documentsAtOnce = 1_000

/** What a bearer calls by one id: the documents that it may see, the one that is meant first, and where a new one would go. */
interface Named {
  readonly seen: readonly Document[]
  readonly free: string
}

/**
 * The documents of an index that match a key's filter: for its bearer the others do not exist.
 * It may change those that match by single values of their own; what is in a list may be another tenant's as well, and can only be read.
 */
export function boundView(
  view: IndexView,
  { filter, formerly, sharedWordStatistics }: NonNullable<Access['bound']>,
  fields: Fields,
): IndexView {
  const bound = toFilter(filter, fields)
  const space = tenantSpace(bound, formerly)
  const sees = ({ payload = {} }: Document) => matchesFilter(bound, payload)
  const owns = (document: Document) => sees(document) && strayField(bound, document.payload ?? {}) === undefined
  const renamed = <T extends { readonly id: string }>(named: T): T => ({ ...named, id: space.outer(named.id) })

  /** Reads on where a document that is not seen has the place of a new one. */
  async function find(ids: readonly string[]): Promise<readonly Named[]> {
    const found = ids.map((): Named => ({ seen: [], free: '' }))
    let open = ids.map((id, at) => ({ id, at }))
    for (let round = 0; open.length > 0; round++) {
      const places = open.map(({ id, at }) => ({ id, at, stored: space.storedIds(id, round) }))
      const documents = (await view.get(places.flatMap(({ stored }) => stored))).values()
      open = places.filter(({ at, stored }) => {
        const lying = stored.map(() => documents.next().value)
        const seen = lying.flatMap((document) => (document && sees(document) ? [document] : []))
        found[at] = { seen: [...seen, ...(found[at]?.seen ?? [])], free: stored[0] }
        const [first] = lying
        return first !== undefined && !sees(first)
      })
    }
    return found
  }

  /** What keeps a document from being put; undefined where nothing does. */
  function refusal(document: Document, { seen: [before] }: Named): string | undefined {
    if (!sees(document)) return "the document does not match this key's filter."
    const stray = strayField(bound, document.payload ?? {})
    if (stray)
      return `payload.${stray.join('.')} must be one value that this key's filter asks for, or be left out; lists are for keys that see the whole index.`
    return before && !owns(before) ? shared(document.id) : undefined
  }

  function checkMode(mode: SearchMode | undefined): SearchMode | undefined {
    if (sharedWordStatistics) return mode
    if (mode === undefined || mode === 'dense') return 'dense'
    throw new QontrastError(
      'forbidden',
      `This key sees a part of the index, and scores of mode ${mode} would tell about the rest: search with mode dense.`,
    )
  }

  /** Examples by the id they are stored under. */
  async function toStored(queries: readonly ViewQuery[]): Promise<ViewQuery[]> {
    const ids = queries.flatMap((query) => {
      const { like = [], unlike = [] } = examplesOf(query) ?? {}
      return [like, unlike].flat()
    })
    const found = await find(ids)
    const stored = new Map(ids.map((id, i) => [id, found[i]?.seen[0]?.id]))
    const storedId = (id: string) => {
      const known = stored.get(id)
      if (known !== undefined) return known
      throw new QontrastError('not-found', `There is no document ${JSON.stringify(id)} to find the like of.`)
    }
    return queries.map((query) => {
      const examples = examplesOf(query)
      if (!examples) return query
      const { like, unlike } = examples
      return {
        like: [like].flat().map(storedId),
        ...(unlike === undefined ? {} : { unlike: [unlike].flat().map(storedId) }),
      }
    })
  }

  async function deleteMatching(filter: FilterInput): Promise<number> {
    checkNarrows(toFilter(filter, fields), fields)
    let deleted = 0
    let cursor: string | undefined
    do {
      const page = await view.scroll({ filter: narrowed(bound, filter), limit: documentsAtOnce, cursor })
      deleted += await view.delete({ ids: page.documents.filter(owns).map(({ id }) => id) })
      cursor = page.cursor
    } while (cursor !== undefined)
    return deleted
  }

  async function deleteNamed(ids: readonly string[]): Promise<number> {
    const found = await find(ids)
    for (const [i, { seen }] of found.entries())
      if (seen[0] && !owns(seen[0])) throw new QontrastError('forbidden', shared(ids[i] ?? ''))
    return view.delete({ ids: found.flatMap(({ seen }) => seen.filter(owns).map(({ id }) => id)) })
  }

  return withoutStoredNames(space, {
    async put(documents, signal) {
      const named = await find(documents.map(({ id }) => id))
      const looked = documents.map((document, i) => {
        const { seen, free } = named[i] ?? { seen: [], free: '' }
        return { document, storedId: seen[0]?.id ?? free, reason: refusal(document, { seen, free }) }
      })
      const allowed = looked.filter(({ reason }) => reason === undefined)
      const report = await view.put(
        allowed.map(({ document, storedId }) => ({ ...document, id: storedId })),
        signal,
      )
      const refused = looked.flatMap(({ document: { id }, reason }) =>
        reason === undefined ? [] : [{ id, code: 'forbidden' as const, reason }],
      )
      const failed = report.failed.map((failure) => ({ ...renamed(failure), reason: space.hide(failure.reason) }))
      return { ...report, failed: [...refused, ...failed] }
    },
    get: async (ids) => (await find(ids)).map(({ seen: [first] }) => first && renamed(first)),
    delete: (selection) =>
      'filter' in selection ? deleteMatching(selection.filter) : deleteNamed([...new Set(selection.ids)]),
    count: (filter?: FilterInput) => view.count(narrowed(bound, filter)),
    async scroll({ filter, cursor: sealed, ...rest }) {
      const from = sealed === undefined ? undefined : space.unseal(sealed)
      const { documents, cursor } = await view.scroll({ ...rest, cursor: from, filter: narrowed(bound, filter) })
      return { documents: documents.map(renamed), cursor: cursor === undefined ? undefined : space.seal(cursor) }
    },
    async search(queries, { filter, mode, ...rest }) {
      const checked = checkMode(mode)
      const lists = await view.search(await toStored(queries), {
        ...rest,
        ...(checked === undefined ? {} : { mode: checked }),
        ...(sharedWordStatistics ? {} : { exact: true }),
        filter: narrowed(bound, filter),
      })
      return lists.map((hits) => hits.map(renamed))
    },
  })
}

const shared = (id: string) =>
  `the document ${JSON.stringify(id.slice(0, 80))} has a list, or a value of its own, in a field of this key's filter: it may be another's too, so this key can only read it.`

/** The same view; its errors name no document by the id that it is stored under. */
function withoutStoredNames({ hide }: TenantSpace, view: IndexView): IndexView {
  const hiding =
    <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      try {
        return await work(...args)
      } catch (error) {
        if (!isQontrastError(error) || hide(error.message) === error.message) throw error
        throw new QontrastError(error.code, hide(error.message), { cause: error })
      }
    }
  return {
    put: hiding(view.put),
    get: hiding(view.get),
    delete: hiding(view.delete),
    count: hiding(view.count),
    scroll: hiding(view.scroll),
    search: hiding(view.search),
  }
}
