import { Command } from 'commander'
import { isOutdated, listIndexes } from '../index/index.ts'
import { jsonOption, pathOption, storeOption } from './options.ts'
import { count, megabytes } from './progress-line.ts'
import { openStore, type StoreFlags } from './store-address.ts'

export const indexesCommand = (): Command =>
  new Command('indexes')
    .description('List the indexes in a folder or on a server.')
    .addOption(pathOption())
    .addOption(storeOption())
    .addOption(jsonOption('the list'))
    .addHelpText('after', '\nExample:\n  qontrast indexes --path ./qontrast-data')
    .action(async ({ json, ...flags }: StoreFlags & { readonly json?: boolean }) => {
      await using store = openStore(flags)
      const indexes = await listIndexes(store)
      if (json) console.log(JSON.stringify(indexes))
      else if (indexes.length === 0) console.log(`No index in ${flags.store ?? flags.path} yet: qontrast index FILES`)
      for (const { name, documents, points, bytes, schema, foreign } of json ? [] : indexes) {
        console.log(
          `${name}  ${count(documents, 'document')}, ${count(points, 'chunk')}, ${bytes === undefined ? '' : `${megabytes(bytes)}, `}${schema.encoder.name} (${schema.dimensions} dimensions)${isOutdated(schema) ? ` – in an older form: qontrast upgrade --index ${name}` : ''}${foreign?.text === undefined ? '' : `; made by something else, texts under ${JSON.stringify(foreign.text)}`}`,
        )
      }
    })
