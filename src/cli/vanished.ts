import { type DocumentSource, shownPath } from '../documents/index.ts'
import type { AddReport, SearchIndex } from '../index/index.ts'
import { count } from './progress-line.ts'

/**
 * Says which documents are stored although their files, or their rows, are gone from where the source looked.
 * They are looked for only where a root has more documents than it gave.
 */
export async function tellVanished(
  index: SearchIndex,
  source: DocumentSource,
  { failedCount }: Pick<AddReport, 'failedCount'>,
): Promise<void> {
  for (const [root, given] of source.given) {
    const expected = [...given.values()].reduce((sum, documents) => sum + documents, 0) - failedCount
    if ((await index.count({ root })) <= expected) continue
    const { files, documents, rows } = await findVanished(index, source, { root, given })
    const parts = [
      ...(files === 0 ? [] : [`${count(files, 'file')} (${count(documents, 'document')})`]),
      ...(rows === 0 ? [] : [count(rows, 'row')]),
    ]
    if (parts.length > 0)
      console.log(
        `Gone from ${shownPath(root)}: ${parts.join(' and ')}. What was stored of it stays; --prune deletes it.`,
      )
  }
}

interface GivenByRoot {
  readonly root: string
  readonly given: ReadonlyMap<string, number>
}

async function findVanished(index: SearchIndex, source: DocumentSource, { root, given }: GivenByRoot) {
  const stored = new Map<string, number>()
  for await (const document of index.scroll({ filter: { root } })) {
    const file = document.payload?.['path']
    if (typeof file === 'string' && source.covers(document)) stored.set(file, (stored.get(file) ?? 0) + 1)
  }
  const gone = [...stored].filter(([file]) => !given.has(file))
  const rows = [...stored].reduce(
    (sum, [file, documents]) => sum + Math.max(0, documents - (given.get(file) ?? documents)),
    0,
  )
  return { files: gone.length, documents: gone.reduce((sum, [, documents]) => sum + documents, 0), rows }
}
