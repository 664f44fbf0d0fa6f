import { Command, Option } from 'commander'
import { backupIndexes } from '../index/index.ts'
import { abortOnInterrupt } from './interrupt.ts'
import { defaultPath, jsonOption } from './options.ts'
import { count, createProgressLine, number } from './progress-line.ts'

interface BackupFlags {
  readonly path: string
  readonly to: string
  readonly json?: boolean
}

export const backupCommand = (): Command =>
  new Command('backup')
    .description('Copy the folder of indexes while it is searched and written to. The copy is such a folder itself.')
    .addOption(new Option('--path <folder>', 'folder of the indexes').default(defaultPath))
    .requiredOption('--to <folder>', 'where the copy goes: a folder that is empty or not there yet')
    .addOption(jsonOption('the report'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast backup --path ./qontrast-data --to ./backups/monday\n  qontrast search "how is asthma treated?" --path ./backups/monday',
    )
    .action(async ({ path, to, json }: BackupFlags) => {
      const { signal, stop } = abortOnInterrupt()
      const started = performance.now()
      const line = createProgressLine()
      try {
        const report = await backupIndexes({
          path,
          to,
          signal,
          onProgress: ({ files, bytes }) => line.update(`${count(files, 'file')}, ${number(bytes / 1e6)} MB`),
        })
        line.clear()
        const seconds = Number(((performance.now() - started) / 1000).toFixed(3))
        if (json) return console.log(JSON.stringify({ ...report, seconds }))
        const collections = Object.keys(report.collections)
        console.log(
          `${collections.join(', ')} in ${to}: ${count(report.files, 'file')}, ${number(report.bytes / 1e6, 1)} MB, ${number(seconds, 1)} s.`,
        )
      } finally {
        line.clear()
        stop()
      }
    })
