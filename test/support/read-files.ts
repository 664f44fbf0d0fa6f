import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  type ReadFailure,
  type ReadNotice,
  type ReadOptions,
  readDocuments,
  type SourcePattern,
} from '../../src/documents/index.ts'
import type { Document } from '../../src/shared/index.ts'

export interface ReadFiles {
  readonly documents: readonly Document[]
  readonly failures: readonly ReadFailure[]
  readonly notices: readonly ReadNotice[]
  /** Paths relative to their roots. */
  readonly paths: readonly unknown[]
}

/** Everything that reading gives, with what is told on the way. */
export async function readFiles(
  patterns: SourcePattern | readonly SourcePattern[],
  options: ReadOptions = {},
): Promise<ReadFiles> {
  const documents: Document[] = []
  const failures: ReadFailure[] = []
  const notices: ReadNotice[] = []
  const source = readDocuments(patterns, {
    onFailure: (failure) => failures.push(failure),
    onNotice: (notice) => notices.push(notice),
    ...options,
  })
  for await (const document of source) documents.push(document)
  return { documents, failures, notices, paths: documents.map(({ payload }) => payload?.['path']) }
}

/** Writes files with the folders they lie in. */
export async function putFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, content)
  }
}

/** The headings of a document, with the lines they stand on. */
export function headings({ sections = [] }: Document): (readonly [string | undefined, number | undefined])[] {
  return sections.map(({ heading, line }) => [heading, line] as const)
}
