import {
  checkNarrows,
  type Fields,
  type FilterInput,
  matchesFilter,
  type SearchMode,
  toFilter,
} from '../../index/index.ts'
import { type Document, QontrastError } from '../../shared/index.ts'
import { examplesOf, type IndexView, narrowed, type ViewQuery } from '../view.ts'
import type { Access } from './keys.ts'

/**
 * The documents of an index that match a key's filter: for its bearer the others do not exist.
 * Ids that it puts live in a space of their own, so that an id another tenant has is free; documents of its filter that came otherwise keep theirs.
 */
export function boundView(
  view: IndexView,
  { filter: asked, prefix, sharedWordStatistics }: NonNullable<Access['bound']>,
  fields: Fields,
): IndexView {
  const bound = toFilter(asked, fields)
  const sees = ({ payload = {} }: Document) => matchesFilter(bound, payload)
  const outer = (id: string) => (id.startsWith(prefix) ? id.slice(prefix.length) : id)
  const renamed = <T extends { readonly id: string }>(named: T): T => ({ ...named, id: outer(named.id) })
  const own = (id: string) => prefix + id

  /** For each id the document that its bearer means, under the id it is stored by: its own, else a visible one. */
  async function find(ids: readonly string[]): Promise<(Document | undefined)[]> {
    const found = await view.get(ids.flatMap((id) => [own(id), id]))
    return ids.map((_, i) => [found[2 * i], found[2 * i + 1]].find((document) => document && sees(document)))
  }

  function checkMode(mode: SearchMode | undefined): SearchMode | undefined {
    if (sharedWordStatistics) return mode
    if (mode === undefined || mode === 'dense') return 'dense'
    throw new QontrastError(
      'forbidden',
      `This key sees a part of the index, and scores of mode ${mode} would tell about the rest: search with mode dense.`,
    )
  }

  /** Examples by the id they are stored under; a missing one keeps its name, for the message. */
  async function toStored(queries: readonly ViewQuery[]): Promise<ViewQuery[]> {
    const ids = queries.flatMap((query) => {
      const { like = [], unlike = [] } = examplesOf(query) ?? {}
      return [like, unlike].flat()
    })
    const documents = ids.length === 0 ? [] : await find(ids)
    const stored = new Map(ids.map((id, i) => [id, documents[i]?.id]))
    const storedId = (id: string) => {
      const found = stored.get(id)
      if (found !== undefined) return found
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

  return {
    async put(documents, signal) {
      const allowed = documents.filter(sees)
      const stored = await find(allowed.map(({ id }) => id))
      const report = await view.put(
        allowed.map((document, i) => ({ ...document, id: stored[i]?.id ?? own(document.id) })),
        signal,
      )
      const refused = documents
        .filter((document) => !sees(document))
        .map(({ id }) => ({ id, code: 'forbidden' as const, reason: "the document does not match this key's filter." }))
      return { ...report, failed: [...refused, ...report.failed.map(renamed)] }
    },
    get: async (ids) => (await find(ids)).map((document) => document && renamed(document)),
    async delete(selection) {
      if ('filter' in selection) {
        checkNarrows(toFilter(selection.filter, fields), fields)
        return view.delete({ filter: narrowed(bound, selection.filter) })
      }
      const stored = await find(selection.ids)
      return view.delete({ ids: stored.flatMap((document) => document?.id ?? []) })
    },
    count: (filter?: FilterInput) => view.count(narrowed(bound, filter)),
    async scroll({ filter, ...rest }) {
      const { documents, cursor } = await view.scroll({ ...rest, filter: narrowed(bound, filter) })
      return { documents: documents.map(renamed), cursor }
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
  }
}
