import { Command } from 'commander'
import type { Document } from '../shared/index.ts'
import { exitCodes } from './exit-codes.ts'
import { indexOption, jsonOption, pathOption, type SetExitCode, storeOption } from './options.ts'
import { noteForeign, openStore, type StoreFlags } from './store-address.ts'
import { openStoredIndex } from './stored-index.ts'

interface GetFlags extends StoreFlags {
  readonly index: string
  readonly json?: boolean
}

export const getCommand = (setExitCode: SetExitCode): Command =>
  new Command('get')
    .description('Print documents by id.')
    .argument('<ids...>', 'ids, as searches print them')
    .addOption(pathOption())
    .addOption(storeOption())
    .addOption(indexOption())
    .addOption(jsonOption('the documents, in the order of the ids, null where there is none,'))
    .addHelpText('after', '\nExamples:\n  qontrast get asthma\n  qontrast get asthma ticks --index answers --json')
    .action(async (ids: string[], flags: GetFlags) => {
      await using store = openStore(flags)
      await using index = await openStoredIndex(store, flags.index)
      if (flags.store !== undefined) await noteForeign(store, flags.index)
      const documents = await index.get(ids)
      if (flags.json) console.log(JSON.stringify(documents.map((document) => document ?? null)))
      for (const [i, document] of documents.entries()) {
        if (!document) console.error(`There is no document ${JSON.stringify(ids[i])} in '${flags.index}'.`)
        else if (!flags.json) print(document)
      }
      if (documents.includes(undefined)) setExitCode(exitCodes['no such index, model or document'])
    })

function print({ id, title, text, payload }: Document): void {
  console.log([`id       ${id}`, ...(title === undefined ? [] : [`title    ${title}`])].join('\n'))
  if (payload !== undefined) console.log(`payload  ${JSON.stringify(payload)}`)
  console.log(`\n${text}\n`)
}
