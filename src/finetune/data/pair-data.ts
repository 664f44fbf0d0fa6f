import { createHash } from 'node:crypto'
import path from 'node:path'
import { QontrastError } from '../../shared/index.ts'
import { counted } from './counted.ts'
import type { TrainingData } from './examples.ts'
import type { PairColumns } from './pair-columns.ts'
import { checkPairs, type Pair, type PairsReport, readPairs } from './pairs.ts'
import { createSampler, type Sampler } from './sampler.ts'
import type { Where } from './where.ts'

export interface PairDataOptions {
  readonly pairs: string | readonly Pair[]
  readonly columns?: PairColumns
  readonly where?: Where
  readonly skipBadLines?: boolean
  readonly batchSize: number
  readonly seed: number
}

/** Pairs as what a run learns from: the columns are `anchor`, `positive` and, where a pair has any, `negatives`. */
export async function openPairs(options: PairDataOptions): Promise<TrainingData<PairsReport | undefined>> {
  const { pairs, report, notices } = await pairsOf(options)
  const sampler = createSampler(pairs, options)
  return {
    noun: 'pair',
    size: pairs.length,
    batchSize: options.batchSize,
    report,
    notices,
    identity: { pairs: pairs.length, pairsSha256: hashOf(pairs), batchSize: options.batchSize },
    example(position) {
      const { anchor = '', positive = '', negatives = [] } = pairs[position] ?? {}
      return { anchor, positive, ...(negatives.length > 0 ? { negatives } : {}) }
    },
    batches: sampler.batches,
    unused: (count) => whyUnused(count, sampler),
    noBatch: () => whyNoBatch(pairs, sampler),
  }
}

interface ReadPairs {
  readonly pairs: readonly Pair[]
  readonly report: PairsReport | undefined
  readonly notices: readonly string[]
}

async function pairsOf({ pairs: given, columns, where, skipBadLines }: PairDataOptions): Promise<ReadPairs> {
  if (typeof given !== 'string') return { pairs: checkPairs(given), report: undefined, notices: [] }
  const skipped: number[] = []
  let report: PairsReport | undefined
  const pairs = await readPairs(given, {
    ...(columns ? { columns } : {}),
    ...(where ? { where } : {}),
    ...(skipBadLines ? { onBadLine: (line) => skipped.push(line) } : {}),
    onReport: (told) => {
      report = told
    },
  })
  const first = `${skipped.slice(0, 5).join(', ')}${skipped.length > 5 ? ', …' : ''}`
  const left = `${path.basename(given)}: ${skipped.length} bad lines were left out (${first}).`
  return { pairs, report, notices: skipped.length > 0 ? [left] : [] }
}

function hashOf(pairs: readonly Pair[]): string {
  const hash = createHash('sha256')
  for (const pair of pairs) hash.update(`${JSON.stringify(pair)}\n`)
  return hash.digest('hex')
}

function whyNoBatch(pairs: readonly Pair[], { mostShared, contradictory }: Sampler): QontrastError {
  const [only] = pairs
  const reasons = [
    ...(pairs.length === 1 ? [`it is the only one ("${shortened(only?.anchor ?? '')}")`] : []),
    ...(contradictory.size > 0 ? [`${contradictory.size} have their positive among their negatives`] : []),
    ...(mostShared ? [`${mostShared.pairs} share the text "${shortened(mostShared.text)}"`] : []),
  ]
  return new QontrastError(
    'invalid-input',
    `${counted(pairs.length, 'pair')} make${pairs.length === 1 ? 's' : ''} no batch of two, and a pair learns from the others of its batch: ${reasons.join('; ') || 'any two of them contradict each other'}. Give pairs of different texts.`,
  )
}

function whyUnused(count: number, { mostShared, contradictory }: Sampler): string {
  const shared = count - contradictory.size
  const reasons = [
    ...(contradictory.size > 0 ? [`${contradictory.size} have their own positive among their negatives`] : []),
    ...(shared > 0 ? [`${shared} would be a wrong answer to a pair of every batch with room`] : []),
  ]
  const example = shared > 0 && mostShared ? ` (${mostShared.pairs} pairs share "${shortened(mostShared.text)}")` : ''
  return `${reasons.join('; ')}${example}`
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
