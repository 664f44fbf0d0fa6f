import { Command, Option } from 'commander'
import { devices } from '../runtime/index.ts'
import { dimensionsOption, dtypeOption, storeOption, wholeNumber, workersOption } from './options.ts'
import { defaultSettings, environment, modelsOf } from './serve-settings.ts'

interface ServeFlags {
  readonly config?: string
  readonly model?: readonly string[]
  /** The others are settings by their own names. */
  readonly [setting: string]: unknown
}

export const serveCommand = (): Command =>
  new Command('serve')
    .description('Serve indexes and embeddings over HTTP, until SIGTERM or Ctrl-C.')
    .option('--port <n>', `port; 0 takes a free one (default: ${defaultSettings.port})`, wholeNumber(0))
    .option('--host <address>', `address; others than this machine's need --keys (default: ${defaultSettings.host})`)
    .option('--path <folder>', `where indexes are kept (default: ${defaultSettings.path})`)
    .addOption(storeOption())
    .option(
      '--model <[name=]location>',
      'folder, hub name or default, and the name it is asked for by; repeatable, the first is the default one',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .addOption(
      new Option('--device <device>', `where models run (default: ${defaultSettings.device})`).choices(devices),
    )
    .addOption(dtypeOption())
    .addOption(dimensionsOption())
    .addOption(workersOption())
    .option('--keys <file>', 'JSON file of API keys; qontrast key makes its entries')
    .option(
      '--lame-duck-seconds <n>',
      `how long SIGTERM serves on while /health/ready is 503 (default: ${defaultSettings.lameDuckSeconds})`,
      wholeNumber(0),
    )
    .option(
      '--grace-seconds <n>',
      `how long it then waits for requests (default: ${defaultSettings.graceSeconds})`,
      wholeNumber(0),
    )
    .option(
      '--config <file>',
      'configuration (default: qontrast.config.ts, .js or .json in this folder, where there is one)',
    )
    .addHelpText(
      'after',
      `
Flags go before environment variables, these before the file, this before the defaults.
Environment variables: ${Object.keys(environment).join(', ')}

Examples:
  qontrast serve --path ./qontrast-data
  qontrast serve --model minilm=./all-MiniLM-L6-v2 --port 9000
  qontrast serve --host 0.0.0.0 --keys keys.json --store qdrant://localhost:6333
  curl localhost:8080/v1/indexes/documents/search -H 'content-type: application/json' -d '{"queries":["how is asthma treated?"]}'`,
    )
    .action(async ({ config, model, ...flags }: ServeFlags) => {
      const { readSettings } = await import('./read-settings.ts') // these bring the HTTP libraries
      const { serveUntilStopped } = await import('./serve-until-stopped.ts')
      const settings = await readSettings({ ...flags, ...(model ? { models: modelsOf(model) } : {}) }, { config })
      await serveUntilStopped(settings)
    })
