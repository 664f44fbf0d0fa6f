import { type Command, InvalidArgumentError, Option } from 'commander'
import type { FilterInput, Fusion, Scores, SearchMode, SearchOptions } from '../index/index.ts'
import { anyNumber, filterOption, limitOption, modeOption, offsetOption } from './options.ts'

/** Flags of the commands that search. */
export interface RankFlags {
  readonly mode?: SearchMode
  readonly limit: number
  readonly offset: number
  readonly fusion?: Fusion
  readonly minScore?: number | Scores
  readonly groupBy: 'document' | 'chunk'
  readonly exact?: boolean
  readonly filter?: FilterInput
}

export const fusionOption = () =>
  new Option('--fusion <way>', 'how mode hybrid makes one score of two: of the scores, or of ranks')
    .choices(['scores', 'rrf'])
    .default('scores')
export const minScoreOption = () =>
  new Option(
    '--min-score <x>',
    'leave out hits below: a cosine in mode dense, a BM25 score in mode bm25; in mode hybrid dense=0.4 or bm25=2, or both (dense=0.4,bm25=2)',
  ).argParser(leastScore)

/** Adds them to a command. */
export function addRankFlags(command: Command): Command {
  return command
    .addOption(modeOption())
    .addOption(limitOption())
    .addOption(offsetOption())
    .addOption(fusionOption())
    .addOption(minScoreOption())
    .addOption(
      new Option('--group-by <unit>', 'a hit a document, or every chunk for itself')
        .choices(['document', 'chunk'])
        .default('document'),
    )
    .option('--exact', 'compare with every vector, past any approximate index')
    .addOption(filterOption('only documents whose payload matches'))
}

/** What was asked for, as a search takes it. */
export function searchOptions({ limit, offset, groupBy, filter, ...flags }: RankFlags): SearchOptions {
  return { limit, offset, groupBy, ...rankOptions(flags), ...(filter ? { filter } : {}) }
}

/** How hits are ranked, as asked for. */
export function rankOptions({
  mode,
  fusion,
  minScore,
  exact,
}: Pick<RankFlags, 'mode' | 'fusion' | 'minScore' | 'exact'>) {
  return {
    ...(mode ? { mode } : {}),
    ...(fusion ? { fusion } : {}),
    ...(minScore === undefined ? {} : { minScore }),
    ...(exact ? { exact } : {}),
  }
}

/** `0.4`, or which scores are bounded: `dense=0.4,bm25=2`. */
function leastScore(text: string): number | Scores {
  if (!text.includes('=')) return anyNumber(text)
  const bounds: { dense?: number; bm25?: number } = {}
  for (const part of text.split(',')) {
    const [, side, bound = ''] = /^\s*(dense|bm25)\s*=(.*)$/.exec(part) ?? []
    if (side !== 'dense' && side !== 'bm25')
      throw new InvalidArgumentError('A number is expected, or scores by name such as dense=0.4,bm25=2.')
    bounds[side] = anyNumber(bound)
  }
  return bounds
}
