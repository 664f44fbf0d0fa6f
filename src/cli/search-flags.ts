import { type Command, Option } from 'commander'
import type { FilterInput, SearchMode, SearchOptions } from '../index/index.ts'
import { anyNumber, filterOption, limitOption, modeOption, offsetOption } from './options.ts'

/** Flags of the commands that search. */
export interface RankFlags {
  readonly mode?: SearchMode
  readonly limit: number
  readonly offset: number
  readonly minScore?: number
  readonly groupBy: 'document' | 'chunk'
  readonly exact?: boolean
  readonly filter?: FilterInput
}

/** Adds them to a command. */
export function addRankFlags(command: Command): Command {
  return command
    .addOption(modeOption())
    .addOption(limitOption())
    .addOption(offsetOption())
    .addOption(
      new Option(
        '--min-score <x>',
        'leave out hits below: a cosine in mode dense, a BM25 score in mode bm25',
      ).argParser(anyNumber),
    )
    .addOption(
      new Option('--group-by <unit>', 'a hit a document, or every chunk for itself')
        .choices(['document', 'chunk'])
        .default('document'),
    )
    .option('--exact', 'compare with every vector, past any approximate index')
    .addOption(filterOption('only documents whose payload matches'))
}

/** What was asked for, as a search takes it. */
export function searchOptions({ mode, limit, offset, minScore, groupBy, exact, filter }: RankFlags): SearchOptions {
  return {
    limit,
    offset,
    groupBy,
    ...(mode ? { mode } : {}),
    ...(minScore === undefined ? {} : { minScore }),
    ...(exact ? { exact } : {}),
    ...(filter ? { filter } : {}),
  }
}
