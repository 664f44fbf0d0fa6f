import path from 'node:path'
import { rootFolderOf, type SourcePattern } from '../documents/index.ts'
import { eq, type VectorStore } from '../index/index.ts'

/** Patterns with the roots that the index has for them: a file below a folder that was indexed is the same document, named alone or with the folder. */
export async function withKnownRoots(
  { store, index }: { readonly store: VectorStore; readonly index: string },
  patterns: readonly string[],
): Promise<SourcePattern[]> {
  const names = new Map<string, Promise<string | undefined>>()
  const nameOf = (root: string) => {
    const name = names.get(root) ?? nameOfRoot(store, index, root)
    names.set(root, name)
    return name
  }
  const known: SourcePattern[] = []
  for (const pattern of patterns) known.push(await withKnownRoot(pattern, nameOf))
  return known
}

async function withKnownRoot(
  pattern: string,
  nameOf: (root: string) => Promise<string | undefined>,
): Promise<SourcePattern> {
  let root = await rootFolderOf(pattern)
  for (;;) {
    const name = await nameOf(root)
    if (name !== undefined) return { path: pattern, root, name }
    const above = path.posix.dirname(root)
    if (above === root) return pattern
    root = above
  }
}

/** What the ids of a root's documents begin with; undefined where the index has none, or ids that do not say it. */
async function nameOfRoot(store: VectorStore, index: string, root: string): Promise<string | undefined> {
  const { points } = await store.scroll(index, { filter: eq('root', root), limit: 1 })
  const [{ documentId = '', payload = {} } = {}] = points
  const at = documentId.indexOf(`/${String(payload['path'])}`)
  return at > 0 ? documentId.slice(0, at) : undefined
}
