import { styleText } from 'node:util'
import type { Command } from 'commander'
import { findClusters } from '../index/index.ts'
import { byIndex, nameOf, runSimilar, type SimilarFlags, similarCommand } from './duplicates.ts'
import { jsonOption, wholeNumber } from './options.ts'
import { count, number } from './progress-line.ts'

export const clustersCommand = (): Command =>
  similarCommand('clusters')
    .description('List groups of documents that are joined by near ones, largest first.')
    .option('--limit <n>', 'most groups', wholeNumber(1), 100)
    .addOption(jsonOption('the report'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast clusters --index docs --threshold 0.9\n  qontrast clusters --index docs --json',
    )
    .action(async (flags: SimilarFlags) => {
      const report = await runSimilar(flags, findClusters)
      if (flags.json) return console.log(JSON.stringify(report))
      const { documents, exact, total, clustered, clusters } = report
      for (const [i, group] of clusters.entries()) {
        console.log(styleText('bold', `${i + 1}. ${count(group.documents.length, 'document')}`))
        for (const { score, ...document } of group.documents)
          console.log(`    ${styleText('dim', score.toFixed(4))}  ${nameOf(document)}`)
      }
      const shown = clusters.length < total ? `, the largest ${number(clusters.length)} shown` : ''
      console.log(
        `${count(total, 'group')} of ${number(clustered)} among ${count(documents, 'document')}${shown}${byIndex(exact)}.`,
      )
    })
