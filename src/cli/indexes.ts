import { Command } from 'commander'
import { listIndexes } from '../index/index.ts'
import { jsonOption, pathOption } from './options.ts'
import { count, megabytes } from './progress-line.ts'

export const indexesCommand = (): Command =>
  new Command('indexes')
    .description('List the indexes in a folder.')
    .addOption(pathOption())
    .addOption(jsonOption('the list'))
    .addHelpText('after', '\nExample:\n  qontrast indexes --path ./qontrast-data')
    .action(async ({ path, json }: { path: string; json?: boolean }) => {
      const indexes = await listIndexes({ path })
      if (json) console.log(JSON.stringify(indexes))
      else if (indexes.length === 0) console.log(`No index in ${path} yet: qontrast index FILES`)
      for (const { name, documents, points, bytes = 0, schema } of json ? [] : indexes) {
        console.log(
          `${name}  ${count(documents, 'document')}, ${count(points, 'chunk')}, ${megabytes(bytes)}, ${schema.encoder.name} (${schema.dimensions} dimensions)`,
        )
      }
    })
