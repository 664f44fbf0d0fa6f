import path from 'node:path'
import { styleText } from 'node:util'
import { Command } from 'commander'
import { shownPath } from '../documents/index.ts'
import { type FilterInput, type Hit, markPassage, openIndex, type SearchMode } from '../index/index.ts'
import {
  deviceOption,
  filterArgument,
  indexOption,
  jsonOption,
  modelOption,
  modeOption,
  openEncoder,
  openStore,
  pathOption,
  type StoreFlags,
  storeOption,
  wholeNumber,
} from './options.ts'
import { wrap } from './wrap.ts'

interface SearchFlags extends StoreFlags {
  readonly index: string
  readonly model?: string
  readonly device: string
  readonly mode?: SearchMode
  readonly limit: number
  readonly filter?: FilterInput
  readonly json?: boolean
}

export const searchCommand = (): Command =>
  new Command('search')
    .description('Search an index. Several queries are answered one after the other.')
    .argument('<queries...>', 'what to look for; quote a query of several words')
    .addOption(pathOption())
    .addOption(storeOption())
    .addOption(indexOption())
    .addOption(modelOption('default: the one the index was made with'))
    .addOption(deviceOption())
    .addOption(modeOption())
    .option('--limit <n>', 'most documents', wholeNumber(1), 10)
    .option('--filter <json>', 'only documents whose payload matches', filterArgument)
    .addOption(jsonOption('a list of hits (a list of lists for several queries)'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast search "how is asthma treated?"\n  qontrast search "side effects" --filter \'{"source":"NHLBI"}\' --limit 3 --json',
    )
    .action(async (queries: string[], flags: SearchFlags) => {
      await using store = openStore(flags)
      await using encoder = await openEncoder(flags.model, flags.device, { store, index: flags.index })
      await using index = await openIndex({ name: flags.index, encoder, store })
      const { mode, limit, filter } = flags
      const lists = await index.searchMany(queries, { limit, ...(mode ? { mode } : {}), ...(filter ? { filter } : {}) })
      if (flags.json) console.log(JSON.stringify(queries.length === 1 ? lists[0] : lists))
      else lists.forEach((hits, i) => print(queries[i] ?? '', hits, lists.length > 1))
    })

const widest = 100
const indent = '    '
const passageLines = 4

function print(query: string, hits: readonly Hit[], titled: boolean): void {
  if (titled) console.log(styleText('bold', `» ${query}`))
  if (hits.length === 0) console.log('No document matches.')
  for (const [i, hit] of hits.entries()) {
    console.log(
      `${String(i + 1).padStart(2)}. ${styleText('bold', hit.title ?? hit.id)}  ${styleText('dim', `${hit.score.toFixed(4)}  ${placeOf(hit)}`)}`,
    )
    const width = Math.min(process.stdout.columns || widest, widest) - indent.length
    for (const line of wrap(hit.passage, width, passageLines)) console.log(indent + emphasise(line, query))
  }
}

/** Where the passage is: the file or id, then page, line and heading where known. */
function placeOf({ id, payload, page, line, heading }: Hit): string {
  const file = fileOf(payload) ?? id
  return [
    `${file}${line === undefined ? '' : `:${line}`}`,
    ...(page === undefined ? [] : [`page ${page}`]),
    ...(heading ? [heading] : []),
  ].join(' · ')
}

/** The file of a hit as it opens from the current folder. */
function fileOf({ root, path: file }: Hit['payload']): string | undefined {
  if (typeof file !== 'string') return undefined
  return typeof root === 'string' ? shownPath(path.join(root, file)) : file
}

/** Marks the words that the query has too, on a terminal that shows colours. */
function emphasise(line: string, query: string): string {
  let from = 0
  const parts = markPassage(line, query).map(([start, end]) => {
    const part = line.slice(from, start) + styleText(['bold', 'yellow'], line.slice(start, end))
    from = end
    return part
  })
  return parts.join('') + line.slice(from)
}
