import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { QontrastError } from '../shared/index.ts'
import { reasonOf } from './failure-reason.ts'
import type { ReadFailure, ReadNotice, SourceFile } from './reader.ts'
import { checkNames, forward, type PatternKind, type Root, rootOf, type SourcePattern, shownPath } from './roots.ts'
import { type FoundFile, walk } from './walk.ts'

interface FindOptions {
  readonly rootName: string | undefined
  /** True for files that folders, and globs that name no extension, give. */
  readonly isReadable: (file: string) => boolean
  readonly report: (failure: ReadFailure, place: Place) => void
  readonly notice: (notice: ReadNotice) => void
}

/** A file or a folder, by its root and its path in it. */
export interface Place {
  readonly root: string
  readonly path: string
}

/**
 * Files named outright, or by a glob that names their extension, are taken whatever their kind; folders and other globs give those that can be
 * read. A file found twice, also through links, is of the first pattern.
 */
export async function findFiles(
  patterns: readonly SourcePattern[],
  options: FindOptions,
): Promise<{ sources: SourceFile[]; roots: Root[] }> {
  const found = new Map<string, SourceFile>()
  const roots: Root[] = []
  for (const given of patterns) {
    const { path: pattern, name = options.rootName, root: above } = fullPattern(given)
    const kind = await kindOf(pattern)
    const root = await rootOf(pattern, kind, { name, root: above })
    roots.push(root)
    checkNames(roots)
    const files = kind === 'file' ? await namedFile(pattern) : await filesUnder(pattern, root, options)
    for (const { file, real } of files) {
      if (found.has(real)) continue
      const place = { path: within(root, file), root: root.real }
      const bytes = await stat(file).then(
        ({ size }) => size,
        () => 0, // its reader says what is wrong with it
      )
      found.set(real, { file, id: `${root.name}/${place.path}`, place, shown: shownPath(file), bytes })
    }
  }
  const sources = [...found.values()].sort((a, b) => (a.shown < b.shown ? -1 : 1))
  return { sources, roots }
}

/** The folder that the ids of a pattern's documents are counted from, if nothing else is said: a real absolute path with forward slashes. */
export async function rootFolderOf(pattern: SourcePattern): Promise<string> {
  const { path: place } = fullPattern(pattern)
  return (await rootOf(place, await kindOf(place))).real
}

function fullPattern(pattern: SourcePattern): Exclude<SourcePattern, string> {
  return typeof pattern === 'string' ? { path: pattern } : pattern
}

async function kindOf(pattern: string): Promise<PatternKind> {
  const entry = await stat(pattern).catch(() => undefined)
  if (entry?.isFile()) return 'file'
  if (entry?.isDirectory()) return 'folder'
  return /[*?[\]{}()!]/.test(pattern) ? 'glob' : 'file'
}

async function namedFile(file: string): Promise<FoundFile[]> {
  const entry = await stat(file).catch(() => undefined)
  if (entry?.isFile()) return [{ file, real: await realpath(file) }]
  const what = entry ? 'it is neither a file nor a folder' : 'it is not there'
  throw new QontrastError(
    'file-unreadable',
    `'${file}' matches no file: ${what}. A file, a folder or a glob is expected.`,
  )
}

async function filesUnder(pattern: string, root: Root, options: FindOptions): Promise<readonly FoundFile[]> {
  const { enters, deepest, takes, namesExtension } = root
  const { files, unlisted, astray } = await walk(root.folder, { enters, deepest }).catch(() => nothing)
  for (const { folder, error } of unlisted) {
    const shown = shownPath(folder)
    const reason = `the folder cannot be listed: ${reasonOf(error).reason}`
    options.report(
      { id: shown, path: shown, code: 'file-unreadable', reason },
      { root: root.real, path: within(root, folder) },
    )
  }
  const taken = new Map<string, FoundFile>()
  const skipped = new Map<string, number>()
  for (const one of files.filter(({ file }) => takes(within(root, file)))) {
    if (taken.has(one.real)) continue
    if (namesExtension || options.isReadable(one.file)) {
      taken.set(one.real, one)
    } else {
      const extension = path.extname(one.file).toLowerCase() || 'without extension'
      skipped.set(extension, (skipped.get(extension) ?? 0) + 1)
      options.notice({ kind: 'skipped', path: shownPath(one.file), detail: extension })
    }
  }
  for (const { file, reason } of astray) {
    if (takes(within(root, file))) options.notice({ kind: 'link', path: shownPath(file), detail: reason })
  }
  if (taken.size > 0 || unlisted.length > 0) return [...taken.values()]
  const others = [...skipped].map(([extension, number]) => `${extension} ${number}`).join(', ')
  throw new QontrastError(
    'file-unreadable',
    `'${pattern}' matches no file that can be read${others ? ` (found: ${others})` : ''}. Name files outright, or by a glob with their extension, to read them as text.`,
  )
}

const nothing = { files: [], unlisted: [], astray: [] }

/** A path from the root; `.` for the root itself. */
function within(root: Root, file: string): string {
  return (root.below + forward(path.relative(root.folder, file))).replace(/\/$/, '') || '.'
}
