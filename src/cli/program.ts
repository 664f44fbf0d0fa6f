import { Command, CommanderError } from 'commander'
import { isQontrastError, messageOf, packageVersion } from '../shared/index.ts'
import { backupCommand } from './backup.ts'
import { clustersCommand } from './clusters.ts'
import { copyCommand } from './copy.ts'
import { deleteCommand } from './delete.ts'
import { dropCommand } from './drop.ts'
import { duplicatesCommand } from './duplicates.ts'
import { embedCommand } from './embed.ts'
import { evaluateCommand } from './evaluate.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { finetuneCommand } from './finetune.ts'
import { getCommand } from './get.ts'
import { helpCommand } from './help.ts'
import { indexCommand } from './index-documents.ts'
import { indexesCommand } from './indexes.ts'
import { keyCommand } from './key.ts'
import { likeCommand } from './like.ts'
import type { SetExitCode } from './options.ts'
import { reindexCommand } from './reindex.ts'
import { searchCommand } from './search.ts'
import { serveCommand } from './serve.ts'
import { upgradeCommand } from './upgrade.ts'

const commands = [
  indexCommand,
  searchCommand,
  likeCommand,
  getCommand,
  deleteCommand,
  dropCommand,
  duplicatesCommand,
  clustersCommand,
  reindexCommand,
  upgradeCommand,
  indexesCommand,
  copyCommand,
  backupCommand,
  serveCommand,
  keyCommand,
  embedCommand,
  evaluateCommand,
  finetuneCommand,
  helpCommand,
]

/** All commands, with their help; `setExitCode` is told how one ended that did not throw. */
export function createProgram(setExitCode: SetExitCode): Command {
  const program = new Command('qontrast')
    .description('Semantic search over your own documents, and encoders fine-tuned on your own pairs, in one process.')
    .version(packageVersion())
    .option('--debug', 'print the stack of an error')
    .showHelpAfterError('(qontrast --help, or qontrast COMMAND --help, shows what there is)')
    .helpCommand(false)
    .exitOverride()
    .addHelpText(
      'after',
      `\nExit codes:\n${Object.entries(exitCodes)
        .map(([name, code]) => `  ${String(code).padStart(3)}  ${name}`)
        .join('\n')}`,
    )
  for (const command of commands) {
    program.addCommand(command(setExitCode).exitOverride().copyInheritedSettings(program))
  }
  return program
}

/** Runs the command line and gives its exit code; everything it prints is printed by then. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.ok
  const program = createProgram((code) => {
    exitCode = code
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.ok : exitCodes['wrong use or bad input']
    if (isQontrastError(error, 'aborted')) return exitCodeOf(error) // wanted; the command has said what is done
    const code = isQontrastError(error) ? error.code : 'internal'
    console.error(`error: ${messageOf(error)} (${code})`)
    if (program.opts()['debug'] || process.env['DEBUG']) console.error(error)
    return exitCodeOf(error)
  }
}
