import { Command } from 'commander'
import { dropIndex, indexNotFound } from '../index/index.ts'
import { confirm } from './confirm.ts'
import { jsonOption, pathOption, storeOption, yesOption } from './options.ts'
import { count } from './progress-line.ts'
import { openStore, type StoreFlags } from './store-address.ts'

interface DropFlags extends StoreFlags {
  readonly index: string
  readonly yes?: boolean
  readonly json?: boolean
}

export const dropCommand = (): Command =>
  new Command('drop')
    .description('Delete an index with all its documents, and what a re-index or an upgrade has kept of it.')
    .addOption(pathOption())
    .addOption(storeOption())
    .requiredOption('--index <name>', 'name of the index')
    .addOption(yesOption())
    .addOption(jsonOption('what went'))
    .addHelpText(
      'after',
      '\nIt asks first; without a terminal to ask on it needs --yes.\n\nExamples:\n  qontrast drop --index notes\n  qontrast drop --index notes --store qdrant://localhost:6333 --yes',
    )
    .action(async (flags: DropFlags) => {
      const { index, yes, json } = flags
      await using store = openStore(flags)
      if (!(await store.info(index))) throw await indexNotFound(store, index)
      const documents = await store.count(index, { unit: 'documents' })
      await confirm(`Drop '${index}' with ${count(documents, 'document')}?`, yes)
      await dropIndex(store, index)
      if (json) console.log(JSON.stringify({ index, documents }))
      else console.log(`'${index}' is dropped, with ${count(documents, 'document')}.`)
    })
