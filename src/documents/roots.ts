import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import path from 'node:path'
import picomatch from 'picomatch'
import { QontrastError } from '../shared/index.ts'

/** What to read: a file, a folder or a glob; `name` is what the ids of its documents begin with, `root` a folder above that they are counted from. */
export type SourcePattern = string | { readonly path: string; readonly name?: string; readonly root?: string }

/** Where the files of a pattern lie: their paths are relative to the root, and their ids begin with its name. */
export interface Root {
  /** The real absolute path, with forward slashes. */
  readonly real: string
  /** The folder that is walked, as the pattern names it, and its path within the root: empty, or with a slash at its end. */
  readonly folder: string
  readonly below: string
  readonly name: string
  /** Named by the caller, so that the folder may move. */
  readonly named: boolean
  /** True for paths, relative to the root, that the pattern stands for, whether there is such a file or not. */
  readonly takes: (path: string) => boolean
  /** Which files and folders are looked at, by their own names, and how many folders down. */
  readonly enters: (name: string) => boolean
  readonly deepest: number
  /** True for a glob that ends in an extension, such as `*.log`. */
  readonly namesExtension: boolean
}

export type PatternKind = 'file' | 'folder' | 'glob'

/** The root of a pattern: the folder, the folder of the file, or what stands before the first wildcard of a glob. */
export async function rootOf(
  pattern: string,
  kind: PatternKind,
  { name, root }: { readonly name?: string | undefined; readonly root?: string | undefined } = {},
): Promise<Root> {
  if (name === '') throw new QontrastError('invalid-option', 'The name of a root (rootName, --root-name) is empty.')
  const { folder, takes, ...looks } = parts[kind](pattern)
  const own = await realFolder(folder)
  const real = root === undefined ? own : await realFolder(root)
  const inner = path.posix.relative(real, own)
  if (inner.startsWith('..'))
    throw new QontrastError('invalid-option', `The root ${real} of '${pattern}' is no folder above it.`)
  const below = inner === '' ? '' : `${inner}/`
  return {
    real,
    folder,
    below,
    name: name ?? nameOf(real),
    named: name !== undefined,
    takes: (file) => file.startsWith(below) && takes(file.slice(below.length)),
    ...looks,
  }
}

async function realFolder(folder: string): Promise<string> {
  return forward(await realpath(folder).catch(() => path.resolve(folder)))
}

/** Two folders under one name would share ids. */
export function checkNames(roots: readonly Root[]): void {
  const byName = new Map<string, string>()
  for (const { name, real } of roots) {
    const other = byName.get(name)
    if (other !== undefined && other !== real) {
      throw new QontrastError(
        'invalid-option',
        `Two folders would have the name '${name}': ${other} and ${real}. Index them one after the other, or name each: { path, name }.`,
      )
    }
    byName.set(name, real)
  }
}

/** A path as ids and payloads have it. */
export function forward(place: string): string {
  return place.split(path.sep).join('/')
}

/** Relative to the current folder, as messages print it. */
export function shownPath(file: string): string {
  return forward(path.relative('.', file)) || '.'
}

type Parts = Pick<Root, 'folder' | 'takes' | 'enters' | 'deepest' | 'namesExtension'>

/** Folders give neither what is hidden nor packages. */
const usual = {
  enters: (name: string) => !name.startsWith('.') && name !== 'node_modules',
  deepest: Infinity,
  namesExtension: false,
}

const parts: Readonly<Record<PatternKind, (pattern: string) => Parts>> = {
  file: (pattern) => ({ ...usual, folder: path.dirname(pattern), takes: (file) => file === path.basename(pattern) }),
  folder: (pattern) => ({ ...usual, folder: pattern, takes: () => true }),
  glob: (pattern) => {
    const { folder, rest } = splitGlob(pattern)
    const hidden = /(?:^|[/{(,|])\\?\./.test(rest)
    const packages = pattern.includes('node_modules')
    return {
      folder,
      takes: picomatch(rest, { windows: false }),
      enters: (name) => (hidden || !name.startsWith('.')) && (packages || name !== 'node_modules'),
      deepest: /\*\*|[{(].*\//.test(rest) ? Infinity : rest.split('/').length - 1,
      namesExtension: /\.(?:[^*?/.{}()]+|\{[^*?/{}]+\})$/.test(rest),
    }
  },
}

/** What stands before the wildcards of a glob, as far as it goes, and the rest. A folder whose own name looks like a wildcard is one. */
function splitGlob(pattern: string): { folder: string; rest: string } {
  const segments = (path.sep === '\\' ? forward(pattern) : pattern).split('/')
  let first = 0
  while (first < segments.length - 1) {
    const upTo = segments.slice(0, first + 1).join('/') || '/'
    const isWild = /[*?[\]{}()!\\]/.test(segments[first] ?? '')
    if (isWild && !statSync(upTo, { throwIfNoEntry: false })?.isDirectory()) break
    first += 1
  }
  const still = segments.slice(0, first)
  return { folder: still.length === 0 ? '.' : still.join('/') || '/', rest: segments.slice(first).join('/') }
}

/** The folder's own name, and what tells it from others of that name. */
function nameOf(real: string): string {
  return `${path.posix.basename(real)}~${createHash('sha256').update(real).digest('hex').slice(0, 6)}`
}
