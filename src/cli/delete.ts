import { Command } from 'commander'
import type { FilterInput } from '../index/index.ts'
import { QontrastError } from '../shared/index.ts'
import { confirm } from './confirm.ts'
import { filterOption, indexOption, jsonOption, pathOption, storeOption, yesOption } from './options.ts'
import { count } from './progress-line.ts'
import { openStore, type StoreFlags } from './store-address.ts'
import { openStoredIndex } from './stored-index.ts'

interface DeleteFlags extends StoreFlags {
  readonly index: string
  readonly filter?: FilterInput
  readonly yes?: boolean
  readonly json?: boolean
}

export const deleteCommand = (): Command =>
  new Command('delete')
    .description('Delete documents by id, or those that a filter matches. What is not there is passed over.')
    .argument('[ids...]', 'ids, as searches print them')
    .addOption(pathOption())
    .addOption(storeOption())
    .addOption(indexOption())
    .addOption(filterOption('those whose payload matches, instead of ids'))
    .addOption(yesOption())
    .addOption(jsonOption('how many went'))
    .addHelpText(
      'after',
      '\nWith a filter it says how many documents match and asks; without a terminal to ask on it needs --yes.\n\nExamples:\n  qontrast delete asthma ticks\n  qontrast delete --index notes --filter \'{"year":{"lt":2000}}\' --yes',
    )
    .action(async (ids: string[], flags: DeleteFlags) => {
      const { index: name, filter, yes, json } = flags
      if ((ids.length === 0) === (filter === undefined))
        throw new QontrastError('invalid-option', 'Say what: either ids, or --filter JSON.')
      await using store = openStore(flags)
      await using index = await openStoredIndex(store, name)
      if (filter) await confirm(`Delete ${count(await index.count(filter), 'document')} from '${name}'?`, yes)
      const deleted = await index.delete(filter ? { filter } : ids)
      if (json) console.log(JSON.stringify({ index: name, deleted }))
      else console.log(`${count(deleted, 'document')} deleted from '${name}'.`)
    })
