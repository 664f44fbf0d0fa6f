import { access, constants, stat } from 'node:fs/promises'
import path from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import {
  type Document,
  type ErrorCode,
  isQontrastError,
  messageOf,
  QontrastError,
  systemCodeOf,
  throwIfAborted,
} from '../shared/index.ts'
import { readCsv, readTsv } from './csv.ts'
import { readHtml } from './html.ts'
import { readJsonLines } from './json-lines.ts'
import { readMarkdown } from './markdown.ts'
import { readPdf } from './pdf.ts'
import { readPlainText } from './plain-text.ts'
import type { Reader, ReadFailure, ReadOptions, SourceFile } from './reader.ts'

const readers: Readonly<Record<string, Reader>> = {
  '.txt': readPlainText,
  '.md': readMarkdown,
  '.markdown': readMarkdown,
  '.html': readHtml,
  '.htm': readHtml,
  '.pdf': readPdf,
  '.jsonl': readJsonLines,
  '.ndjson': readJsonLines,
  '.csv': readCsv,
  '.tsv': readTsv,
}

/** Extensions of the files that can be read. */
export const readableExtensions: readonly string[] = Object.keys(readers)

/**
 * Reads files, folders and globs into documents, file by file in alphabetical order. A text, Markdown, HTML or PDF file is one document
 * named by its path; JSONL and CSV files hold one a row. Rejects with `file-unreadable` where nothing matches.
 */
export async function* readDocuments(
  patterns: string | readonly string[],
  options: ReadOptions = {},
): AsyncGenerator<Document, void, undefined> {
  const report = (failure: ReadFailure) => {
    if (!options.onFailure) throw new QontrastError(failure.code, `${failure.id}: ${failure.reason}`)
    options.onFailure(failure)
  }
  for (const source of await findFiles([patterns].flat(), report)) {
    throwIfAborted(options.signal)
    const reader = readers[path.extname(source.file).toLowerCase()]
    if (!reader) {
      report({
        id: source.path,
        path: source.path,
        code: 'invalid-input',
        reason: `this kind of file cannot be read; known: ${readableExtensions.join(' ')}.`,
      })
      continue
    }
    const failLine = (line: number, reason: string) =>
      report({ id: `${source.path}:${line}`, path: source.path, code: 'invalid-input', reason })
    try {
      for await (const document of reader(source, options, failLine)) {
        throwIfAborted(options.signal)
        yield document
      }
    } catch (error) {
      if (isQontrastError(error, 'aborted') || !options.onFailure) throw error
      report({ id: source.path, path: source.path, ...reasonOf(error) })
    }
  }
}

/** Files named outright are taken whatever their kind; folders and globs give those that can be read. */
async function findFiles(patterns: readonly string[], report: (failure: ReadFailure) => void): Promise<SourceFile[]> {
  const found = new Map<string, SourceFile>()
  for (const pattern of patterns) {
    const files = await filesOf(pattern)
    for (const folder of await unreadableFolders(pattern)) {
      report({ id: folder, path: folder, code: 'file-unreadable', reason: 'this user may not read the folder.' })
    }
    if (files.length === 0) {
      throw new QontrastError(
        'file-unreadable',
        `'${pattern}' matches no file that can be read here (${readableExtensions.join(' ')}).`,
      )
    }
    for (const file of files) found.set(path.resolve(file), { file, path: shownPath(file) })
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function filesOf(pattern: string): Promise<string[]> {
  const entry = await stat(pattern).catch(() => undefined)
  if (entry?.isFile()) return [pattern]
  const known = (file: string) => path.extname(file).toLowerCase() in readers
  const ignore = ['**/node_modules/**']
  if (entry?.isDirectory()) {
    const files = await glob('**/*', { cwd: pattern, ignore })
    return files.filter(known).map((file) => path.join(pattern, file))
  }
  return isDynamicPattern(pattern) ? (await glob(pattern, { ignore })).filter(known) : []
}

/** Folders on the way down that cannot be listed: a walk would pass them over in silence. */
async function unreadableFolders(pattern: string): Promise<string[]> {
  const entry = await stat(pattern).catch(() => undefined)
  if (!entry?.isDirectory()) return []
  const folders = await glob('**', { cwd: pattern, ignore: ['**/node_modules/**'], onlyDirectories: true })
  const checked = await Promise.all(
    folders.map(async (folder) => {
      const place = path.join(pattern, folder)
      return access(place, constants.R_OK | constants.X_OK).then(
        () => [],
        () => [shownPath(place)],
      )
    }),
  )
  return checked.flat()
}

/** Relative to the current folder, with forward slashes. */
function shownPath(file: string): string {
  return path.relative('.', file).split(path.sep).join('/')
}

const systemReasons: Readonly<Record<string, string>> = {
  ENOENT: 'the file is gone.',
  EACCES: 'this user may not read it.',
  EPERM: 'this user may not read it.',
}

function reasonOf(error: unknown): { code: ErrorCode; reason: string } {
  if (isQontrastError(error)) return { code: error.code, reason: error.message }
  return { code: 'file-unreadable', reason: systemReasons[systemCodeOf(error) ?? ''] ?? messageOf(error) }
}
