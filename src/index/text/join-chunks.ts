import type { Document } from '../../shared/index.ts'
import type { PointRecord } from '../stores/store.ts'
import { sectionsOf } from './places.ts'

/** Puts a document together from its chunks in order, which overlap but leave nothing out; undefined where there are none. */
export function joinChunks(chunks: readonly PointRecord[]): Document | undefined {
  const [first] = chunks
  if (!first) return undefined
  const { documentId: id, title, payload } = first
  const parts: string[] = []
  let covered = 0
  const contents = chunks.map(({ content }) => content)
  for (const { start, end, text } of contents) {
    parts.push(text.slice(Math.max(0, covered - start)))
    covered = Math.max(covered, end)
  }
  const sections = sectionsOf(contents)
  return {
    id,
    text: parts.join(''),
    payload,
    ...(title === undefined ? {} : { title }),
    ...(sections.length === 0 ? {} : { sections }),
  }
}
