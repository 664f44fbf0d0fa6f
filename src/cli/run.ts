import { systemCodeOf } from '../shared/index.ts'
import { runProgram } from './program.ts'

/** Runs the command line of this process. */
export async function run(): Promise<void> {
  /** Whoever reads the output may stop reading, as `head` does. */
  process.stdout.on('error', (error) => {
    if (systemCodeOf(error) !== 'EPIPE') throw error
    process.exit(0)
  })
  process.exitCode = await runProgram(process.argv.slice(2))
}
