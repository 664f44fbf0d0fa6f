import { Command, Option } from 'commander'
import { copyIndex } from '../index/index.ts'
import { isQontrastError } from '../shared/index.ts'
import { abortOnInterrupt } from './interrupt.ts'
import { defaultPath, indexOption, jsonOption } from './options.ts'
import { count, createProgressLine, number } from './progress-line.ts'
import { storeAt } from './store-address.ts'

interface CopyFlags {
  readonly from: string
  readonly to: string
  readonly index: string
  readonly as?: string
  readonly json?: boolean
}

export const copyCommand = (): Command =>
  new Command('copy')
    .description(
      'Copy an index into another store, or under another name: vectors and payloads as they are, nothing is embedded.',
    )
    .addOption(new Option('--from <store>', 'where it is').default(defaultPath))
    .addOption(new Option('--to <store>', 'where it goes').default(defaultPath))
    .addOption(indexOption())
    .option('--as <name>', 'name of the copy (default: the same)')
    .addOption(jsonOption('the report'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast copy --from ./qontrast-data --to ./backup --index docs\n  qontrast copy --to qdrant://localhost:6333 --index docs\n  qontrast copy --index docs --as docs-before',
    )
    .action(async ({ from, to, index, as: name = index, json }: CopyFlags) => {
      const { signal, stop } = abortOnInterrupt()
      await using source = storeAt(from)
      await using other = to === from ? undefined : storeAt(to)
      const started = performance.now()
      const line = createProgressLine()
      try {
        const report = await copyIndex({
          from: { store: source, index },
          to: { store: other ?? source, index: name },
          signal,
          onProgress: ({ points, total }) => line.update(`${number(points)} of ${count(total, 'chunk')}`),
        })
        line.clear()
        const seconds = Number(((performance.now() - started) / 1000).toFixed(3))
        if (json) return console.log(JSON.stringify({ index: name, ...report, seconds }))
        const { documents, points, written } = report
        console.log(
          `'${name}' in ${to} has ${count(documents, 'document')}, ${count(points, 'chunk')}; ${number(written)} copied, ${number(seconds, 1)} s.`,
        )
      } catch (error) {
        if (isQontrastError(error, 'aborted')) console.error('Interrupted. Run the same command again to go on.')
        throw error
      } finally {
        stop()
      }
    })
