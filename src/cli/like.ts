import { Command } from 'commander'
import { indexOption, jsonOption, pathOption, storeOption } from './options.ts'
import { printHits } from './print-hits.ts'
import { addRankFlags, type RankFlags, searchOptions } from './search-flags.ts'
import { noteForeign, openStore, type StoreFlags } from './store-address.ts'
import { openStoredIndex } from './stored-index.ts'

interface LikeFlags extends StoreFlags, RankFlags {
  readonly index: string
  readonly unlike?: readonly string[]
  readonly json?: boolean
}

export const likeCommand = (): Command =>
  addRankFlags(
    new Command('like')
      .description('Find documents that are like others, which are left out. No model is loaded.')
      .argument('<ids...>', 'ids of documents, as searches print them')
      .option('--unlike <id>', 'a document that hits should not be like; repeatable', (id, before: string[] = []) => [
        ...before,
        id,
      ])
      .addOption(pathOption())
      .addOption(storeOption())
      .addOption(indexOption()),
  )
    .addOption(jsonOption('the hits'))
    .addHelpText(
      'after',
      '\nThe mode is dense unless told: by the mean of their vectors, less the mean of those they should be unlike.\n\nExamples:\n  qontrast like asthma\n  qontrast like asthma bronchitis --unlike copd --index answers --mode hybrid --limit 5',
    )
    .action(async (like: string[], flags: LikeFlags) => {
      await using store = openStore(flags)
      await using index = await openStoredIndex(store, flags.index)
      if (flags.store !== undefined) await noteForeign(store, flags.index)
      const { unlike } = flags
      const hits = await index.searchLike({ like, ...(unlike ? { unlike } : {}) }, searchOptions(flags))
      if (flags.json) console.log(JSON.stringify(hits))
      else printHits(hits)
    })
