import { Command } from 'commander'
import {
  deviceOption,
  dimensionsOption,
  dtypeOption,
  jsonOption,
  type ModelFlags,
  modelOption,
  openEncoder,
  workersOption,
} from './options.ts'

interface EmbedFlags extends ModelFlags {
  readonly json?: boolean
  readonly query?: boolean
}

export const embedCommand = (): Command =>
  new Command('embed')
    .description('Print the vectors of texts.')
    .argument('<texts...>', 'texts; quote each')
    .addOption(modelOption('default: the bundled one'))
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(dimensionsOption())
    .addOption(workersOption())
    .option('--query', "use the model's prompt for queries, not for documents")
    .addOption(jsonOption('{ model, dimensions, embeddings }'))
    .addHelpText('after', '\nExample:\n  qontrast embed --model ./all-MiniLM-L6-v2 --json "a text" "another"')
    .action(async (texts: string[], flags: EmbedFlags) => {
      await using encoder = await openEncoder(flags)
      const vectors = await encoder.encode(texts, { purpose: flags.query ? 'query' : 'document' })
      const embeddings = texts.map((_, i) => Array.from(vectors.row(i)))
      if (flags.json) console.log(JSON.stringify({ model: encoder.name, dimensions: encoder.dimensions, embeddings }))
      else for (const embedding of embeddings) console.log(embedding.map((x) => x.toFixed(6)).join(' '))
    })
