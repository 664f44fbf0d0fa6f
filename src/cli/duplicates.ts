import { styleText } from 'node:util'
import { Command, InvalidArgumentError } from 'commander'
import { type DuplicateOptions, type FilterInput, findDuplicates, type SimilarDocument } from '../index/index.ts'
import { abortOnInterrupt } from './interrupt.ts'
import { anyNumber, filterArgument, indexOption, jsonOption, pathOption, storeOption, wholeNumber } from './options.ts'
import { count, createProgressLine, number } from './progress-line.ts'
import { openStore, type StoreFlags } from './store-address.ts'

export interface SimilarFlags extends StoreFlags {
  readonly index: string
  readonly threshold: number
  readonly limit: number
  readonly filter?: FilterInput
  readonly json?: boolean
}

/** Flags that `duplicates` and `clusters` share. */
export const similarCommand = (name: string): Command =>
  new Command(name)
    .addOption(pathOption())
    .addOption(storeOption())
    .addOption(indexOption())
    .option('--threshold <cosine>', 'how near two documents are, from 0 to 1', cosine, 0.95)
    .option('--filter <json>', 'only documents whose payload matches', filterArgument)

export const duplicatesCommand = (): Command =>
  similarCommand('duplicates')
    .description('List pairs of documents that nearly say the same, nearest first.')
    .option('--limit <n>', 'most pairs', wholeNumber(1), 100)
    .addOption(jsonOption('the report'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast duplicates --index docs\n  qontrast duplicates --index docs --threshold 0.9 --limit 20\n  qontrast duplicates --filter \'{"source":"NHLBI"}\' --json',
    )
    .action(async (flags: SimilarFlags) => {
      const { documents, exact, total, pairs, ...rest } = await runSimilar(flags, findDuplicates)
      if (flags.json) return console.log(JSON.stringify({ documents, exact, total, pairs, ...rest }))
      for (const { score, documents: both } of pairs)
        console.log(`${styleText('dim', score.toFixed(4))}  ${both.map(nameOf).join(`  ${styleText('dim', '~')}  `)}`)
      const shown = pairs.length < total ? `, the first ${number(pairs.length)} shown` : ''
      console.log(`${count(total, 'pair')} among ${count(documents, 'document')}${shown}${byIndex(exact)}.`)
    })

/** Runs a search for similar documents with its progress; ends on Ctrl-C. */
export async function runSimilar<T>(
  { index, threshold, limit, filter, ...at }: SimilarFlags,
  find: (options: DuplicateOptions) => Promise<T>,
): Promise<T> {
  const { signal, stop } = abortOnInterrupt()
  await using store = openStore(at)
  const line = createProgressLine()
  const units = { read: 'chunk', compare: 'document' } as const
  try {
    return await find({
      store,
      index,
      threshold,
      limit,
      signal,
      ...(filter ? { filter } : {}),
      onProgress: ({ step, done, total }) =>
        line.update(
          `${step === 'read' ? 'read' : 'compared'} ${number(done)}${total === undefined ? '' : ` of ${count(total, units[step])}`}`,
        ),
    })
  } finally {
    line.clear()
    stop()
  }
}

export function nameOf({ id, title }: SimilarDocument): string {
  return title === undefined || title === id ? id : `${id} ${styleText('dim', `(${title})`)}`
}

/** Said where not every pair was compared. */
export function byIndex(exact: boolean): string {
  return exact ? '' : '; found through the approximate index, so some may be missing'
}

function cosine(text: string): number {
  const value = anyNumber(text)
  if (value > 0 && value <= 1) return value
  throw new InvalidArgumentError('A cosine above 0, at most 1, is expected.')
}
