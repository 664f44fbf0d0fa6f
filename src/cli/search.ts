import { Command } from 'commander'
import { openIndex } from '../index/index.ts'
import {
  deviceOption,
  dimensionsOption,
  dtypeOption,
  indexOption,
  jsonOption,
  type ModelFlags,
  modelOption,
  openEncoder,
  pathOption,
  storeOption,
  workersOption,
} from './options.ts'
import { printHits } from './print-hits.ts'
import { addRankFlags, type RankFlags, searchOptions } from './search-flags.ts'
import { noteForeign, openStore, type StoreFlags } from './store-address.ts'

interface SearchFlags extends StoreFlags, ModelFlags, RankFlags {
  readonly index: string
  readonly json?: boolean
}

export const searchCommand = (): Command =>
  addRankFlags(
    new Command('search')
      .description('Search an index. Several queries are answered one after the other.')
      .argument('<queries...>', 'what to look for; quote a query of several words')
      .addOption(pathOption())
      .addOption(storeOption())
      .addOption(indexOption())
      .addOption(modelOption('default: the one the index was made with'))
      .addOption(deviceOption())
      .addOption(dtypeOption())
      .addOption(dimensionsOption())
      .addOption(workersOption()),
  )
    .addOption(jsonOption('a list of hits (a list of lists for several queries)'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast search "how is asthma treated?"\n  qontrast search "side effects" --filter \'{"source":"NHLBI"}\' --limit 3 --json\n  qontrast search asthma --mode dense --min-score 0.4 --offset 10\n  qontrast search asthma --min-score dense=0.4,bm25=2',
    )
    .action(async (queries: string[], flags: SearchFlags) => {
      await using store = openStore(flags)
      await using encoder = await openEncoder(flags, { store, index: flags.index })
      await using index = await openIndex({ name: flags.index, encoder, store })
      if (flags.store !== undefined) await noteForeign(store, flags.index)
      const lists = await index.searchMany(queries, searchOptions(flags))
      if (flags.json) console.log(JSON.stringify(queries.length === 1 ? lists[0] : lists))
      else lists.forEach((hits, i) => printHits(hits, { query: queries[i] ?? '', titled: lists.length > 1 }))
    })
