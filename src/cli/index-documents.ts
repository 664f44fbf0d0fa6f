import { existsSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { type ReadFailure, readableExtensions, readDocuments } from '../documents/index.ts'
import {
  type AddProgress,
  type AddReport,
  type ChunkSettings,
  type FieldType,
  openIndex,
  type SearchIndex,
} from '../index/index.ts'
import { type Document, isQontrastError, QontrastError } from '../shared/index.ts'
import { exitCodes } from './exit-codes.ts'
import { abortOnInterrupt } from './interrupt.ts'
import {
  deviceOption,
  fieldArgument,
  indexOption,
  jsonOption,
  modelOption,
  openEncoder,
  openStore,
  pathOption,
  type SetExitCode,
  wholeNumber,
} from './options.ts'
import { count, createProgressLine, number } from './progress-line.ts'

interface IndexFlags {
  readonly path: string
  readonly index: string
  readonly model?: string
  readonly device: string
  readonly prune?: boolean
  readonly chunk: boolean
  readonly chunkTokens?: number
  readonly chunkOverlap?: number
  readonly field?: Record<string, FieldType>
  readonly idColumn?: string
  readonly textColumn?: string
  readonly titleColumn?: string
  readonly json?: boolean
}

export const indexCommand = (setExitCode: SetExitCode): Command =>
  new Command('index')
    .description('Index documents: files, folders or globs. Run again, it embeds only what changed.')
    .argument('<files...>', `files, folders or globs (${readableExtensions.join(' ')})`)
    .addOption(pathOption())
    .addOption(indexOption())
    .addOption(modelOption('default: the one the index was made with, else the bundled one'))
    .addOption(deviceOption())
    .option('--prune', 'remove documents that are not among the files any more')
    .option('--chunk-tokens <n>', 'most tokens of a chunk', wholeNumber(1))
    .option('--chunk-overlap <n>', 'tokens that a chunk shares with the one before', wholeNumber(0))
    .option('--no-chunk', 'keep every text whole; the model reads its beginning only')
    .option(
      '--field <name:type>',
      'declare a payload field (keyword, number, boolean) so that filters on it are fast; repeatable',
      fieldArgument,
    )
    .option('--id-column <name>', 'column of the id in JSONL and CSV files')
    .option('--text-column <name>', 'column of the text')
    .option('--title-column <name>', 'column of the title')
    .addOption(jsonOption('the report'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast index ./docs\n  qontrast index "notes/**/*.md" faq.jsonl --index notes --prune\n  qontrast index papers/ --model ./all-MiniLM-L6-v2 --field year:number',
    )
    .action(async (files: string[], flags: IndexFlags) => {
      const { signal, stop } = abortOnInterrupt()
      await using store = openStore(flags.path)
      await using encoder = await openEncoder(findableModel(flags.model), flags.device, { store, index: flags.index })
      await using index = await openIndex({
        name: flags.index,
        encoder,
        store,
        ...(flags.field ? { fields: flags.field } : {}),
      })

      const unread: ReadFailure[] = []
      const seen = flags.prune ? new Set<string>() : undefined
      const documents = note(
        readDocuments(files, { ...columns(flags), signal, onFailure: (failure) => unread.push(failure) }),
        seen,
      )
      const started = performance.now()
      const line = createProgressLine()
      try {
        const report = await index.add(documents, {
          chunk: chunking(flags),
          signal,
          onProgress: (progress) => line.update(describe(progress, started)),
        })
        line.clear()
        const pruned = seen ? await prune(index, seen, unread) : undefined
        finish(flags, report, unread, pruned, (performance.now() - started) / 1000)
        if (report.failedCount + unread.length > 0) setExitCode(exitCodes['done, but some documents failed'])
      } catch (error) {
        if (isQontrastError(error, 'aborted'))
          console.error('Interrupted. What was stored stays; run the same command again to go on.')
        throw error
      } finally {
        stop()
      }
    })

/** The index remembers its model by name: a folder by its absolute path, so that it is found from anywhere. */
function findableModel(model: string | undefined): string | undefined {
  return model !== undefined && existsSync(model) ? path.resolve(model) : model
}

/** Remembers the ids that passed. */
async function* note(documents: AsyncIterable<Document>, seen: Set<string> | undefined): AsyncGenerator<Document> {
  for await (const document of documents) {
    seen?.add(document.id)
    yield document
  }
}

/** Removes what was not seen, except documents of files and folders that could not be read. Refuses where nothing was read at all. */
async function prune(index: SearchIndex, seen: ReadonlySet<string>, unread: readonly ReadFailure[]): Promise<number> {
  if (seen.size === 0)
    throw new QontrastError(
      'invalid-input',
      'Nothing was read, so --prune would empty the index. Use another --path or drop the index if that is meant.',
    )
  const unreadPaths = unread.map(({ path }) => path)
  const mayBeThere = (file: string) =>
    unreadPaths.some((unreadPath) => file === unreadPath || file.startsWith(`${unreadPath}/`))
  const gone: string[] = []
  for await (const { id, payload } of index.scroll()) {
    if (!seen.has(id) && !mayBeThere(String(payload?.['path']))) gone.push(id)
  }
  return gone.length > 0 ? index.delete(gone) : 0
}

function describe({ documents, chunks, unchanged, failed }: AddProgress, started: number): string {
  const rate = documents / ((performance.now() - started) / 1000)
  const parts = [
    count(documents, 'document'),
    `${number(rate)}/s`,
    count(chunks, 'chunk'),
    `${number(unchanged)} unchanged`,
  ]
  return [...parts, ...(failed > 0 ? [`${number(failed)} failed`] : [])].join(' · ')
}

function finish(
  flags: IndexFlags,
  report: AddReport,
  unread: readonly ReadFailure[],
  pruned: number | undefined,
  seconds: number,
): void {
  const failed = [...unread.map(({ id, code, reason }) => ({ id, code, reason })), ...report.failed]
  if (flags.json) {
    console.log(
      JSON.stringify({
        index: flags.index,
        ...report,
        failed,
        failedCount: report.failedCount + unread.length,
        ...(pruned === undefined ? {} : { pruned }),
        seconds: Number(seconds.toFixed(3)),
      }),
    )
    return
  }
  for (const { id, reason } of failed.slice(0, 20)) console.error(`left out: ${id}: ${reason}`)
  if (failed.length > 20) console.error(`left out: ${failed.length - 20} more`)
  const { added, updated, unchanged, chunks, cut } = report
  const parts = [
    `${number(added)} added`,
    `${number(updated)} updated`,
    `${number(unchanged)} unchanged`,
    ...(pruned === undefined ? [] : [`${number(pruned)} removed`]),
  ]
  console.log(`${parts.join(', ')} in '${flags.index}' (${count(chunks, 'chunk')} embedded, ${number(seconds, 1)} s)`)
  if (cut > 0) console.log(`${count(cut, 'text')} longer than the model reads: only the beginning was embedded.`)
  console.log(
    `Search it: qontrast search${flags.index === 'documents' ? '' : ` --index ${flags.index}`} "your question"`,
  )
}

function chunking({ chunk, chunkTokens, chunkOverlap }: IndexFlags): ChunkSettings | false {
  if (!chunk) return false
  return {
    ...(chunkTokens === undefined ? {} : { tokens: chunkTokens }),
    ...(chunkOverlap === undefined ? {} : { overlap: chunkOverlap }),
  }
}

function columns({ idColumn, textColumn, titleColumn }: IndexFlags) {
  return {
    ...(idColumn ? { idColumn } : {}),
    ...(textColumn ? { textColumn } : {}),
    ...(titleColumn ? { titleColumn } : {}),
  }
}
