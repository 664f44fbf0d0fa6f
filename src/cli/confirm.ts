import { createInterface } from 'node:readline/promises'
import { QontrastError } from '../shared/index.ts'

/** Asks on a terminal before something goes for good; elsewhere `--yes` has to say so. Rejects with `invalid-option`, or `aborted` for a no. */
export async function confirm(question: string, yes: boolean | undefined): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new QontrastError('invalid-option', `${question} There is no terminal to answer on: pass --yes.`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (/^y(es)?$/i.test(answer.trim())) return
  } finally {
    terminal.close()
  }
  throw new QontrastError('aborted', 'Nothing was deleted.')
}
