import { type Dirent, readdir } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import {
  checkOptionKeys,
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
import { type Reader, type ReadFailure, type ReadOptions, readKeys, type SourceFile } from './reader.ts'

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
 * named by its path; JSONL and CSV files hold one a row, whose other columns become its payload (one named path as `row_path`).
 * Rejects with `file-unreadable` where nothing matches.
 */
export async function* readDocuments(
  patterns: string | readonly string[],
  options: ReadOptions = {},
): AsyncGenerator<Document, void, undefined> {
  checkOptionKeys('readDocuments', options, readKeys)
  const { signal, onProgress, onFailure } = options
  const report = (failure: ReadFailure) => {
    if (!onFailure) throw new QontrastError(failure.code, `${failure.id}: ${failure.reason}`)
    onFailure(failure)
  }
  const sources = await findFiles([patterns].flat(), report)
  const total = sources.reduce((sum, { bytes }) => sum + bytes, 0)
  let done = 0
  for (const source of sources) {
    const { file, path: shown } = source
    throwIfAborted(signal)
    try {
      const documents = readerOf(file)(source, options, {
        fail: (line, reason) => report({ id: `${shown}:${line}`, path: shown, code: 'invalid-input', reason }),
        read: (bytes) => onProgress?.({ done: done + Math.min(bytes, source.bytes), total }),
      })
      for await (const document of documents) {
        throwIfAborted(signal)
        yield document
      }
    } catch (error) {
      if (isQontrastError(error, 'aborted') || !onFailure) throw error
      report({ id: shown, path: shown, ...reasonOf(error) })
    }
    done += source.bytes
    onProgress?.({ done, total })
  }
}

function readerOf(file: string): Reader {
  const reader = readers[path.extname(file).toLowerCase()]
  if (reader) return reader
  throw new QontrastError('invalid-input', `this kind of file cannot be read; known: ${readableExtensions.join(' ')}.`)
}

/** Files named outright are taken whatever their kind; folders and globs give those that can be read. */
async function findFiles(patterns: readonly string[], report: (failure: ReadFailure) => void): Promise<SourceFile[]> {
  const found = new Map<string, SourceFile>()
  for (const pattern of patterns) {
    const { files, unlisted } = await filesOf(pattern)
    for (const { folder, error } of unlisted) {
      const shown = shownPath(folder)
      const reason = `the folder cannot be listed: ${reasonOf(error).reason}`
      report({ id: shown, path: shown, code: 'file-unreadable', reason })
    }
    if (files.length === 0) {
      throw new QontrastError(
        'file-unreadable',
        `'${pattern}' matches no file that can be read here (${readableExtensions.join(' ')}).`,
      )
    }
    for (const file of files) {
      const bytes = await stat(file).then(
        ({ size }) => size,
        () => 0, // its reader says what is wrong with it
      )
      found.set(path.resolve(file), { file, path: shownPath(file), bytes })
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

interface Unlisted {
  readonly folder: string
  readonly error: Error
}

async function filesOf(pattern: string): Promise<{ files: string[]; unlisted: readonly Unlisted[] }> {
  const entry = await stat(pattern).catch(() => undefined)
  if (entry?.isFile()) return { files: [pattern], unlisted: [] }
  if (!entry?.isDirectory() && !isDynamicPattern(pattern)) return { files: [], unlisted: [] }
  const unlisted: Unlisted[] = []
  const options = { ignore: ['**/node_modules/**'], fs: { readdir: recordingReaddir(unlisted) } }
  const files = entry?.isDirectory()
    ? (await glob('**/*', { ...options, cwd: pattern })).map((file) => path.join(pattern, file))
    : await glob(pattern, options)
  return { files: files.filter((file) => path.extname(file).toLowerCase() in readers), unlisted }
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

/** Relative to the current folder, with forward slashes. */
function shownPath(file: string): string {
  return path.relative('.', file).split(path.sep).join('/') || '.'
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
