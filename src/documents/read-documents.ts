import {
  checkOptionKeys,
  createFirstPlaces,
  type Document,
  isQontrastError,
  type JsonObject,
  QontrastError,
  throwIfAborted,
} from '../shared/index.ts'

import { encodingNamed } from './encoding/detect.ts'
import { reasonOf } from './failure-reason.ts'
import { findFiles, type Place } from './find-files.ts'
import { isReadable, readerOf } from './formats.ts'
import { type ReadFailure, type ReadNotice, type ReadOptions, readKeys } from './reader.ts'
import type { Root, SourcePattern } from './roots.ts'

/** Documents as they are read, and what is known of where they come from. */
export interface DocumentSource<Payload extends object = JsonObject>
  extends AsyncGenerator<Document<Payload>, void, undefined> {
  /**
   * True for a stored document that lies where the patterns look, unless its file was there and could not be read. Once all was read, what is
   * covered and was not given is gone: `index.add(source, { prune: { keep: (document) => !source.covers(document) } })`.
   */
  covers(document: { readonly id: string; readonly payload?: JsonObject }): boolean
  /** How many documents each file gave so far, by root and by path relative to it. */
  readonly given: ReadonlyMap<string, ReadonlyMap<string, number>>
}

/**
 * Reads files, folders and globs into documents, file by file in alphabetical order. Its root is the folder given, the folder of a file, or
 * what stands before the wildcards of a glob. A text, Markdown, HTML or PDF file is one document, `id` is `ROOT/PATH`; JSONL and CSV files hold
 * one a row, `ROOT/PATH#ID` or `ROOT/PATH:LINE`, whose other columns become its payload. ROOT is the folder's name and a mark of where it lies, or
 * `rootName`. Each payload says `root`, `path` and, for a row, its `line`; columns of these names become `row_root` and so on.
 * A row whose id was given before is a failure that names both places. Rejects with `file-unreadable` where nothing matches.
 */
export function readDocuments<Payload extends object = JsonObject>(
  patterns: SourcePattern | readonly SourcePattern[],
  options?: ReadOptions,
): DocumentSource<Payload>
export function readDocuments(
  patterns: SourcePattern | readonly SourcePattern[],
  options: ReadOptions = {},
): DocumentSource {
  const given = new Map<string, Map<string, number>>()
  const unread: Place[] = []
  let roots: readonly Root[] = []

  async function* read(): AsyncGenerator<Document, void, undefined> {
    checkOptionKeys('readDocuments', options, readKeys)
    const { signal, onProgress, onFailure, encoding } = options
    if (encoding !== undefined) encodingNamed(encoding)
    const notice = (one: ReadNotice) => options.onNotice?.(one)
    const report = (failure: ReadFailure, { root, path: place }: Place) => {
      const last = unread.at(-1)
      if (last?.root !== root || last.path !== place) unread.push({ root, path: place })
      if (!onFailure) throw new QontrastError(failure.code, `${failure.id}: ${failure.reason}`)
      onFailure(failure)
    }
    const found = await findFiles([patterns].flat(), {
      rootName: options.rootName,
      isReadable,
      report,
      notice,
    })
    roots = found.roots
    const { sources } = found
    const total = sources.reduce((sum, { bytes }) => sum + bytes, 0)
    const firstPlace = createRowPlaces(options)
    let done = 0
    for (const source of sources) {
      const { file, shown, place } = source
      throwIfAborted(signal)
      const counts = given.get(place.root) ?? new Map<string, number>()
      given.set(place.root, counts.set(place.path, 0))
      const failedBefore = unread.length
      let replaced = false
      const fail = (line: number, reason: string) =>
        report({ id: `${shown}:${line}`, path: shown, code: 'invalid-input', reason }, place)
      try {
        const documents = readerOf(file)(source, options, {
          fail,
          read: (bytes) => onProgress?.({ done: done + Math.min(bytes, source.bytes), total }),
          encoding: (name) => notice({ kind: 'encoding', path: shown, detail: name }),
        })
        for await (const document of documents) {
          throwIfAborted(signal)
          const line = lineOf(document)
          const before = firstPlace(document.id, { shown, line })
          if (before) {
            const remedy = options.globalIds
              ? 'Ids are global (globalIds, --global-ids).'
              : 'Correct one, or name another column: idColumn (--id-column).'
            fail(line, `the id ${JSON.stringify(document.id)} is that of ${before} too, which is kept. ${remedy}`)
            continue
          }
          counts.set(place.path, (counts.get(place.path) ?? 0) + 1)
          replaced ||= document.text.includes('\ufffd')
          yield options.legacyIds && document.id === source.id ? { ...document, replaces: shown } : document
        }
      } catch (error) {
        if (isQontrastError(error, 'aborted') || !onFailure) throw error
        report({ id: shown, path: shown, ...reasonOf(error) }, place)
      }
      if (replaced) notice({ kind: 'replaced', path: shown, detail: 'U+FFFD' })
      if (counts.get(place.path) === 0 && unread.length === failedBefore)
        notice({ kind: 'empty', path: shown, detail: '' })
      done += source.bytes
      onProgress?.({ done, total })
    }
  }

  return Object.assign(read(), { given, covers: (document: StoredRow) => isCovered(document, roots, unread) })
}

type StoredRow = Parameters<DocumentSource['covers']>[0]

function isCovered({ id, payload = {} }: StoredRow, roots: readonly Root[], unread: readonly Place[]): boolean {
  const { root, path: place } = payload
  if (typeof place !== 'string') return false
  return roots.some(
    ({ real, name, named, takes }) =>
      (root === real || (named && id.startsWith(`${name}/`))) &&
      takes(place) &&
      !unread.some(
        (one) => one.root === real && (one.path === place || one.path === '.' || place.startsWith(`${one.path}/`)),
      ),
  )
}

/** Remembers which row gave an id first: of one file, or of all where ids are global. */
function createRowPlaces({ globalIds = false }: ReadOptions) {
  let firstPlace = createFirstPlaces()
  const files: string[] = []
  const perFile = 2 ** 32
  return (id: string, { shown, line }: { shown: string; line: number }): string | undefined => {
    if (files.at(-1) !== shown) {
      files.push(shown)
      if (!globalIds) firstPlace = createFirstPlaces()
    }
    const before = firstPlace(id, (files.length - 1) * perFile + line)
    return before === undefined ? undefined : `${files[Math.floor(before / perFile)]}:${before % perFile}`
  }
}

function lineOf({ payload = {} }: Document): number {
  const { line } = payload
  return typeof line === 'number' ? line : 1
}
