import { Command, InvalidArgumentError } from 'commander'
import type { Scope } from '../api/index.ts'
import { dateForms, momentOf } from '../shared/index.ts'
import { filterArgument, parseFilter } from './options.ts'

const scopes = ['read', 'write', 'admin', 'metrics'] as const satisfies readonly Scope[]

interface KeyFlags {
  readonly name: string
  readonly scope: readonly Scope[]
  readonly filter?: string
  readonly expires?: string
}

export const keyCommand = (): Command =>
  new Command('key')
    .description(
      'Make an API key for qontrast serve: its entry for the keys file goes to stdout, the key itself to stderr, once.',
    )
    .requiredOption('--name <name>', 'whose key it is, for the log')
    .requiredOption('--scope <scope>', `${scopes.join(', ')}; repeatable`, scopeArgument)
    .option('--filter <json>', 'bind the key to the documents whose payload matches', (text) => {
      filterArgument(text)
      return text
    })
    .option('--expires <date>', 'from then on it is refused: ISO 8601, such as 2027-01-31', dateArgument)
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast key --name ops --scope read --scope write --scope admin\n  qontrast key --name acme --scope read --scope write --filter \'{"tenant":"acme"}\'\n\nThe keys file: { "keys": [ ENTRY, … ] }',
    )
    .action(async ({ name, scope: [first, ...others], filter, expires }: KeyFlags) => {
      if (!first) return
      const { createKey } = await import('../api/index.ts')
      const { key, entry } = createKey({
        name,
        scopes: [first, ...others],
        ...(filter ? { filter: parseFilter(filter) } : {}),
        ...(expires ? { expires } : {}),
      })
      console.log(JSON.stringify(entry))
      console.error(key)
    })

function dateArgument(text: string): string {
  if (momentOf(text) !== undefined) return text
  throw new InvalidArgumentError(`A date is expected: ${dateForms}.`)
}

function scopeArgument(text: string, before: readonly Scope[] = []): readonly Scope[] {
  const scope = scopes.find((known) => known === text)
  if (scope) return [...before, scope]
  throw new InvalidArgumentError(`One of ${scopes.join(', ')} is expected.`)
}
