/** Writes docs/cli.md, every command's help: npm run cli:page */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { createProgram } from '../src/cli/program.ts'

const file = fileURLToPath(new URL('../docs/cli.md', import.meta.url))
const width = 100

/** The page: what `qontrast --help` and `qontrast COMMAND --help` print at a width of 100 characters. */
export function cliPage(): string {
  const program = createProgram(() => {})
  const sections = program.commands.map((command) => `## qontrast ${command.name()}\n\n${block(command)}`)
  return `# The command line

Written by \`npm run cli:page\` from the commands themselves: \`qontrast --help\`, then the help of each.

${block(program)}

${sections.join('\n\n')}
`
}

function block(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (part) => {
      text += part
    },
    getOutHelpWidth: () => width,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return `\`\`\`text\n${text.trim()}\n\`\`\``
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(file, cliPage())
