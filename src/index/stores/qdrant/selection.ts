import type { Schemas } from '@qdrant/js-client-rest'
import type { Filter } from '../../filter/index.ts'
import type { Selector } from '../store.ts'
import { piecesOf } from './batches.ts'
import type { Condition } from './filter.ts'
import { encodeText } from './json.ts'
import type { Layout } from './layout.ts'
import { foreignId, uuidOf } from './point-id.ts'
import { recordPath } from './records.ts'

/** What selects points, in pieces of at most `most` ids. */
export function* selected(
  selector: Exclude<Selector, { filter: Filter }>,
  layout: Layout,
  most: number,
): Generator<Schemas['Filter']> {
  const distinct = (ids: readonly string[]) => piecesOf([...new Set(ids)], most)
  if ('ids' in selector) for (const ids of distinct(selector.ids)) yield { must: [idIn(ids, layout)] }
  else for (const ids of distinct(selector.documents)) yield { must: [documentIn(ids, layout)] }
}

export function documentIn(documents: readonly string[], layout: Layout): Condition {
  const ours = { key: recordPath('document'), match: { any: documents.map(encodeText) } }
  const theirs = { has_id: foreignIds(documents) }
  return layout.ours ? ours : layout.records ? { should: [ours, theirs] } : theirs
}

/** A document counts by its first chunk; one that something else put has no other. */
export function firstChunk(layout: Layout): Condition[] {
  const ours = { key: recordPath('chunk'), match: { value: 0 } }
  if (layout.ours) return [ours]
  const theirs = (['chunk', 'document'] as const).map((field) => ({ is_empty: { key: recordPath(field) } }))
  return layout.records ? [{ should: [ours, ...theirs] }] : []
}

export function notSeenSince(moment: number): Condition {
  return { must_not: [{ key: recordPath('seen'), range: { gte: moment } }] }
}

function idIn(ids: readonly string[], layout: Layout): Condition {
  return { has_id: [...ids.map(uuidOf), ...(layout.ours ? [] : foreignIds(ids))] }
}

function foreignIds(ids: readonly string[]): Schemas['ExtendedPointId'][] {
  return ids.map(foreignId).filter((id) => id !== undefined)
}
