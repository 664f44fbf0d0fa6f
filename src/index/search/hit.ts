import type { JsonObject } from '../../shared/index.ts'
import type { ScoredPoint, Scores } from '../stores/store.ts'
import { type MarkedPassage, markPassage } from '../text/mark-passage.ts'
import type { AnyQuery } from './search-options.ts'

/** A found passage of a document. */
export interface Hit<Payload extends object = JsonObject> {
  /** Id of the document. */
  readonly id: string
  /** What hits are ordered by: the cosine (mode dense), BM25's score (bm25), or both fused (hybrid). */
  readonly score: number
  /** The cosine and the BM25 score of the passage by themselves, as far as the mode knows them: in mode hybrid both. */
  readonly scores: Scores
  readonly title: string | undefined
  readonly passage: string
  /** Words of the query in the passage: UTF-16 offsets, the end excluded; none where the query was no text. Found when first read. */
  readonly marks: MarkedPassage
  /** Which chunk of the document, from 0, and where it lies in its text (UTF-16 offsets). */
  readonly chunk: number
  readonly start: number
  readonly end: number
  /** Where it is in the source, for documents that came from files. */
  readonly heading: string | undefined
  readonly line: number | undefined
  readonly page: number | undefined
  readonly payload: Payload
}

export function toHit({ score, scores, point }: ScoredPoint, query: AnyQuery | undefined): Hit {
  const { documentId: id, title, content, chunk, payload } = point
  const { text: passage, start, end, heading, line, page } = content
  let marks: MarkedPassage | undefined
  return {
    id,
    score,
    scores,
    title,
    passage,
    get marks() {
      marks ??= typeof query === 'string' ? markPassage(passage, query) : []
      return marks
    },
    chunk,
    start,
    end,
    heading,
    line: line ?? lineOfRow(payload),
    page,
    payload,
  }
}

/** Documents made of rows say in their payload where the row is: readDocuments gives root, path and line. */
function lineOfRow({ root, path, line }: JsonObject): number | undefined {
  return typeof root === 'string' && typeof path === 'string' && typeof line === 'number' ? line : undefined
}
