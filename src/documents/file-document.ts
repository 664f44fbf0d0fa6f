import type { Document, JsonObject, Section } from '../shared/index.ts'
import type { SourceFile } from './reader.ts'

/** What a reader finds in a file that is one document. */
export interface FileContent {
  readonly title: string
  readonly text: string
  readonly sections: readonly Section[]
  readonly payload?: JsonObject
}

/** The one document of a file, or none where nothing is written in it. */
export function fileDocument(
  { id, place }: SourceFile,
  { title, text, sections, payload }: FileContent,
): readonly Document[] {
  if (text.trim() === '') return []
  return [{ id, title, text, payload: { ...payload, ...place }, sections }]
}
