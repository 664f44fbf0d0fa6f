import { Command } from 'commander'
import { nearest, QontrastError } from '../shared/index.ts'

/** `qontrast help COMMAND`; one that is none is answered with those that there are. */
export const helpCommand = (): Command => {
  const help = new Command('help')
    .description('Show what there is, or the help of a command.')
    .argument('[command]')
    .addHelpText('after', '\nExample:\n  qontrast help search')
    .action((name: string | undefined) => {
      const program = help.parent ?? help
      const command = name === undefined ? program : program.commands.find((known) => known.name() === name)
      if (command) return command.outputHelp()
      const names = program.commands.map((known) => known.name())
      const near = nearest(name ?? '', names)
      const guess = near === undefined ? '' : ` Did you mean ${near}?`
      throw new QontrastError('invalid-option', `There is no command '${name}'.${guess} There is ${names.join(', ')}.`)
    })
  return help
}
