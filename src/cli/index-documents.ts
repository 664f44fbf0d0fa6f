import { Command } from 'commander'
import { type ReadFailure, readDocuments } from '../documents/index.ts'
import { type AddReport, type FieldType, openIndex, reportOf, type SearchIndex, type Shard } from '../index/index.ts'
import { isQontrastError } from '../shared/index.ts'
import { addChunkFlags, type ChunkFlags, chunking } from './chunk-flags.ts'
import { exitCodes } from './exit-codes.ts'
import { createIndexProgress } from './index-progress.ts'
import { abortOnInterrupt } from './interrupt.ts'
import { withKnownRoots } from './known-roots.ts'
import {
  deviceOption,
  dimensionsOption,
  dtypeOption,
  fieldArgument,
  findableModel,
  indexOption,
  jsonOption,
  type ModelFlags,
  modelOption,
  openEncoder,
  pathOption,
  type SetExitCode,
  shardArgument,
  storeOption,
  workersOption,
} from './options.ts'
import { count, createProgressLine, number } from './progress-line.ts'
import { createNoticeBook, type NoticeBook } from './read-notices.ts'
import { openStore, type StoreFlags } from './store-address.ts'
import { createTableBook } from './table-book.ts'
import { tellVanished } from './vanished.ts'

interface IndexFlags extends StoreFlags, ModelFlags, ChunkFlags {
  readonly index: string
  readonly prune?: boolean
  readonly rootName?: string
  readonly globalIds?: boolean
  readonly shard?: Shard
  readonly field?: Record<string, FieldType>
  readonly idColumn?: string
  readonly textColumn?: string
  readonly titleColumn?: string
  readonly encoding?: string
  readonly json?: boolean
}

export const indexCommand = (setExitCode: SetExitCode): Command =>
  addChunkFlags(
    new Command('index')
      .description('Index documents: files, folders or globs. Run again, it embeds only what changed.')
      .argument(
        '<files...>',
        'files, folders or globs: text, Markdown, HTML, PDF, Word, EPUB, notebooks, tables, source code and others (docs/documents.md)',
      )
      .addOption(pathOption())
      .addOption(storeOption())
      .addOption(indexOption())
      .addOption(modelOption('default: the one the index was made with, else the bundled one'))
      .addOption(deviceOption())
      .addOption(dtypeOption())
      .addOption(dimensionsOption())
      .addOption(workersOption())
      .option('--prune', 'remove the documents of files and rows that are gone from the folders and globs given')
      .option(
        '--shard <number/of>',
        'take one part of the documents, for several processes or machines that index one data set',
        shardArgument,
      ),
  )
    .option(
      '--field <name:type>',
      'declare a payload field (keyword, number, boolean, date) so that filters on it are fast; repeatable',
      fieldArgument,
    )
    .option('--id-column <name>', 'column of the id in JSONL and CSV files')
    .option('--text-column <name>', 'column of the text')
    .option('--title-column <name>', 'column of the title')
    .option(
      '--encoding <name>',
      'how text files are read that are no UTF-8, such as latin1 (default: what they look like)',
    )
    .option('--global-ids', 'ids of rows hold across files: the same id elsewhere is the same document')
    .option(
      '--root-name <name>',
      'what ids begin with, so that they stay when the folder moves (default: its name and a mark)',
    )
    .addOption(jsonOption('the report'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast index ./docs\n  qontrast index "notes/**/*.md" faq.jsonl --index notes --prune\n  qontrast index papers/ --model ./all-MiniLM-L6-v2 --field year:number\n  qontrast index corpus.jsonl --shard 3/16',
    )
    .action(async (files: string[], flags: IndexFlags) => {
      const { signal, stop } = abortOnInterrupt()
      const line = createProgressLine()
      await using store = openStore(flags)
      line.update('loading the model')
      const model = flags.model === undefined ? {} : { model: findableModel(flags.model) }
      await using encoder = await openEncoder({ ...flags, ...model }, { store, index: flags.index })
      await using index = await openIndex({
        name: flags.index,
        encoder,
        store,
        ...(flags.field ? { fields: flags.field } : {}),
      })

      const made = (await store.info(flags.index))?.schema
      const progress = createIndexProgress()
      const unread: ReadFailure[] = []
      const tables = createTableBook()
      const notices = createNoticeBook()
      const known = made && flags.rootName === undefined && !flags.globalIds
      const documents = readDocuments(known ? await withKnownRoots({ store, index: flags.index }, files) : files, {
        ...columns(flags),
        signal,
        onProgress: progress.onRead,
        onFailure: (failure) => unread.push(failure),
        onNotice: notices.add,
        onColumns: tables.add,
        fields: { ...made?.fields, ...flags.field },
        ...(made?.upgradedFrom === undefined ? {} : { legacyIds: true }),
        ...(flags.encoding === undefined ? {} : { encoding: flags.encoding }),
      })
      const started = performance.now()
      try {
        line.update('reading')
        const report = await index.add(progress.follow(documents), {
          chunk: chunking(flags),
          ...(flags.shard ? { shard: flags.shard } : {}),
          ...(flags.prune ? { prune: { keep: (document) => !documents.covers(document) } } : {}),
          signal,
          onProgress: (stored) => line.update(progress.describe(stored)),
        })
        line.clear()
        finish(flags, report, { unread, notices }, (performance.now() - started) / 1000)
        if (!flags.json) for (const sentence of tables.lines()) console.log(sentence)
        if (!flags.prune && !flags.json) await tellVanished(index, documents, report)
        if (report.failedCount + unread.length > 0) setExitCode(exitCodes['done, but some documents failed'])
      } catch (error) {
        line.clear()
        if (!isQontrastError(error, 'aborted')) throw error
        await tellStopped(flags, index, reportOf(error))
        setExitCode(exitCodes['interrupted: what was stored stays'])
      } finally {
        stop()
      }
    })

/** Says what is stored; the same command goes on from there. */
async function tellStopped({ index: name, json }: IndexFlags, index: SearchIndex, report: AddReport | undefined) {
  const documents = await index.count().catch(() => 0)
  if (json) console.log(JSON.stringify({ index: name, stopped: true, documents, ...report }))
  const { added = 0, updated = 0 } = report ?? {}
  console.error(
    `Stopped: ${count(documents, 'document')} ${documents === 1 ? 'is' : 'are'} stored in '${name}' (${number(added)} added, ${number(updated)} updated by this run). Run the same command again to go on.`,
  )
}

interface Unread {
  readonly unread: readonly ReadFailure[]
  readonly notices: NoticeBook
}

function finish(flags: IndexFlags, report: AddReport, { unread, notices }: Unread, seconds: number): void {
  const failed = [...unread.map(({ id, code, reason }) => ({ id, code, reason })), ...report.failed]
  if (flags.json) {
    console.log(
      JSON.stringify({
        index: flags.index,
        ...report,
        failed,
        failedCount: report.failedCount + unread.length,
        files: notices.counts(),
        seconds: Number(seconds.toFixed(3)),
      }),
    )
    return
  }
  for (const { id, reason } of failed.slice(0, 20)) console.error(`left out: ${id}: ${reason}`)
  if (failed.length > 20) console.error(`left out: ${failed.length - 20} more`)
  const { added, updated, unchanged, embedded, reused, cut, pruned } = report
  const parts = [
    `${number(added)} added`,
    `${number(updated)} updated`,
    `${number(unchanged)} unchanged`,
    ...(pruned === undefined ? [] : [`${number(pruned)} removed`]),
  ]
  const kept = reused > 0 ? `, ${number(reused)} reused` : ''
  console.log(
    `${parts.join(', ')} in '${flags.index}' (${count(embedded, 'chunk')} embedded${kept}, ${number(seconds, 1)} s)`,
  )
  for (const sentence of notices.lines()) console.log(sentence)
  if (cut > 0) console.log(`${count(cut, 'text')} longer than the model reads: only the beginning was embedded.`)
  console.log(
    `Search it: qontrast search${flags.index === 'documents' ? '' : ` --index ${flags.index}`} "your question"`,
  )
}

function columns({ idColumn, textColumn, titleColumn, rootName, globalIds }: IndexFlags) {
  return {
    ...(idColumn ? { idColumn } : {}),
    ...(textColumn ? { textColumn } : {}),
    ...(titleColumn ? { titleColumn } : {}),
    ...(rootName === undefined ? {} : { rootName }),
    ...(globalIds ? { globalIds } : {}),
  }
}
