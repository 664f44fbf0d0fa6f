import { type Dirent, readdir } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { QontrastError } from '../shared/index.ts'
import { reasonOf } from './failure-reason.ts'
import type { ReadFailure, SourceFile } from './reader.ts'
import { checkNames, forward, type PatternKind, type Root, rootOf, type SourcePattern, shownPath } from './roots.ts'

interface FindOptions {
  readonly rootName: string | undefined
  readonly extensions: readonly string[]
  readonly report: (failure: ReadFailure, place: Place) => void
}

/** A file or a folder, by its root and its path in it. */
export interface Place {
  readonly root: string
  readonly path: string
}

/** Files named outright are taken whatever their kind; folders and globs give those that can be read. A file found twice is of the first pattern. */
export async function findFiles(
  patterns: readonly SourcePattern[],
  { rootName, extensions, report }: FindOptions,
): Promise<{ sources: SourceFile[]; roots: Root[] }> {
  const found = new Map<string, SourceFile>()
  const roots: Root[] = []
  for (const given of patterns) {
    const { path: pattern, name } = typeof given === 'string' ? { path: given, name: undefined } : given
    const { kind, files, unlisted } = await filesOf(pattern, extensions)
    const root = await rootOf(pattern, kind, name ?? rootName)
    roots.push(root)
    checkNames(roots)
    const within = (file: string) => forward(path.relative(root.folder, file)) || '.'
    for (const { folder, error } of unlisted) {
      const shown = shownPath(folder)
      const reason = `the folder cannot be listed: ${reasonOf(error).reason}`
      report({ id: shown, path: shown, code: 'file-unreadable', reason }, { root: root.real, path: within(folder) })
    }
    if (files.length === 0) {
      throw new QontrastError(
        'file-unreadable',
        `'${pattern}' matches no file that can be read here (${extensions.join(' ')}).`,
      )
    }
    for (const file of files) {
      const place = { path: within(file), root: root.real }
      const absolute = path.posix.join(root.real, place.path)
      if (found.has(absolute)) continue
      const bytes = await stat(file).then(
        ({ size }) => size,
        () => 0, // its reader says what is wrong with it
      )
      found.set(absolute, { file, id: `${root.name}/${place.path}`, place, shown: shownPath(file), bytes })
    }
  }
  const sources = [...found.values()].sort((a, b) => (a.shown < b.shown ? -1 : 1))
  return { sources, roots }
}

interface Unlisted {
  readonly folder: string
  readonly error: Error
}

async function filesOf(
  pattern: string,
  extensions: readonly string[],
): Promise<{ kind: PatternKind; files: string[]; unlisted: readonly Unlisted[] }> {
  const entry = await stat(pattern).catch(() => undefined)
  if (entry?.isFile()) return { kind: 'file', files: [pattern], unlisted: [] }
  if (!entry?.isDirectory() && !isDynamicPattern(pattern)) return { kind: 'file', files: [], unlisted: [] }
  const unlisted: Unlisted[] = []
  const options = { ignore: ['**/node_modules/**'], fs: { readdir: recordingReaddir(unlisted) } }
  const files = entry?.isDirectory()
    ? (await glob('**/*', { ...options, cwd: pattern })).map((file) => path.join(pattern, file))
    : await glob(pattern, options)
  const readable = files.filter((file) => extensions.includes(path.extname(file).toLowerCase()))
  return { kind: entry?.isDirectory() ? 'folder' : 'glob', files: readable, unlisted }
}

type ReaddirArguments = [
  folder: string,
  options: { withFileTypes: true },
  done: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
]

/** For tinyglobby, which passes over folders that cannot be listed in silence: notes them, except those that went meanwhile. */
function recordingReaddir(unlisted: Unlisted[]): typeof readdir {
  return new Proxy(readdir, {
    apply(list, _, [folder, options, done]: ReaddirArguments) {
      list(folder, options, (error, entries) => {
        if (error && error.code !== 'ENOENT') unlisted.push({ folder, error })
        done(error, entries)
      })
    },
  })
}
