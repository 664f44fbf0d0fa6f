import { type Command, InvalidArgumentError } from 'commander'
import type { PairColumns, PairsReport, Where } from '../finetune/index.ts'
import { count, number } from './progress-line.ts'
import { rolesNamed } from './roles-named.ts'

/** Flags of a file of pairs. */
export interface PairFlags {
  readonly pairs: string
  readonly columns?: PairColumns
  readonly where?: Where
  readonly skipBadLines?: boolean
}

/** Adds them to a command. */
export function addPairFlags(command: Command): Command {
  return command
    .requiredOption(
      '--pairs <file>',
      'JSON lines, a JSON list, CSV or TSV, also as .gz, with columns such as anchor, positive and any number of negatives; query, pos, neg; question, answer; sentence1, sentence2 (docs/training-data.md)',
    )
    .option(
      '--columns <role=name,…>',
      'which columns are anchor, positive, negative, or to ignore, where their names do not say it; positions (anchor=1,positive=2) for a file without a header; repeatable',
      columnsArgument,
    )
    .option(
      '--where <condition>',
      'take only rows that have this in a column: label=1, score>=4 (also >, <, <=); repeatable',
      whereArgument,
    )
    .option('--skip-bad-lines', 'leave out lines that cannot be read, and say which')
}

const roles = ['anchor', 'positive', 'negative', 'ignore'] as const

function columnsArgument(text: string, before: PairColumns = {}): PairColumns {
  const columns: Partial<Record<(typeof roles)[number], readonly string[]>> = {}
  for (const { role, name } of rolesNamed(text, roles)) columns[role] = [...(columns[role] ?? []), name]
  const { anchor = [], ...others } = columns
  if (anchor.length + (before.anchor === undefined ? 0 : 1) > 1) throw new InvalidArgumentError('There is one anchor.')
  const lists = Object.entries(others).map(([role, names]) => [role, [...listBefore(before, role), ...names]] as const)
  return { ...before, ...Object.fromEntries(lists), ...(anchor[0] === undefined ? {} : { anchor: anchor[0] }) }
}

function listBefore(before: PairColumns, role: string): readonly string[] {
  const [, names = []] = Object.entries(before).find(([known]) => known === role) ?? []
  return [names].flat()
}

const bounds: Readonly<Record<string, 'gt' | 'gte' | 'lt' | 'lte'>> = { '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' }

function whereArgument(text: string, before: Where = {}): Where {
  const [, name = '', sign = '', given = ''] = /^(.+?)(>=|<=|=|>|<)(.*)$/s.exec(text) ?? []
  const [column, value] = [name.trim(), given.trim()]
  if (column === '') throw new InvalidArgumentError('A condition is expected, such as label=1 or score>=4.')
  const bound = bounds[sign]
  if (bound === undefined) return { ...before, [column]: value }
  if (value === '' || !Number.isFinite(Number(value)))
    throw new InvalidArgumentError(`A number is expected after ${sign}.`)
  const others = before[column]
  return { ...before, [column]: { ...(typeof others === 'object' ? others : {}), [bound]: Number(value) } }
}

const mostLines = 8

/** What became of a file of pairs, for people. */
export function reportLines({ file, columns, rows, pairs, leftOut }: PairsReport): string[] {
  const from = (['anchor', 'positive', 'negative'] as const)
    .filter((role) => columns[role].length > 0)
    .map((role) => `${role} from ${columns[role].join(', ')}`)
  const unused = columns.unused.length > 0 ? `; not used: ${columns.unused.join(', ')}` : ''
  return [
    `${file}: ${count(rows, 'row')}, ${count(pairs, 'pair')}; ${from.join(', ')}${unused}`,
    ...leftOut.map(({ reason, rows: left, lines }) => {
      const more = left > Math.min(lines.length, mostLines) ? ', …' : ''
      return `  left out ${number(left)}: ${reason} Line${left === 1 ? '' : 's'} ${lines.slice(0, mostLines).join(', ')}${more}`
    }),
  ]
}
