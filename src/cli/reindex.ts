import { Command } from 'commander'
import { loadEncoder } from '../embed/index.ts'
import { dropOldIndex, type ReindexProgress, type ReindexReport, reindex, rollbackIndex } from '../index/index.ts'
import { isQontrastError, QontrastError } from '../shared/index.ts'
import { abortOnInterrupt } from './interrupt.ts'
import {
  deviceOption,
  dimensionsOption,
  dtypeOption,
  findableModel,
  indexOption,
  jsonOption,
  type ModelFlags,
  modelOption,
  openEncoder,
  pathOption,
  storeOption,
  workersOption,
} from './options.ts'
import { count, createProgressLine, number } from './progress-line.ts'
import { openStore, type StoreFlags } from './store-address.ts'

interface ReindexFlags extends StoreFlags, ModelFlags {
  readonly index: string
  readonly dropOld?: boolean
  readonly rollback?: boolean
  readonly json?: boolean
}

export const reindexCommand = (): Command =>
  new Command('reindex')
    .description(
      'Put an index on another model, from the texts it holds. Searches and writes go on; broken off, it goes on where it was.',
    )
    .addOption(pathOption())
    .addOption(storeOption())
    .addOption(indexOption())
    .addOption(modelOption('the new one'))
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(dimensionsOption())
    .addOption(workersOption())
    .option('--drop-old', 'drop what the index was before, once it is switched, or now')
    .option(
      '--rollback',
      'go back to what the index was before, with all that was written since; or give up a re-index',
    )
    .addOption(jsonOption('the report'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast reindex --index docs --model ./tuned\n  qontrast reindex --index docs --rollback\n  qontrast reindex --index docs --drop-old',
    )
    .action(async (flags: ReindexFlags) => {
      const { signal, stop } = abortOnInterrupt()
      await using store = openStore(flags)
      const started = performance.now()
      const line = createProgressLine()
      const onProgress = (progress: ReindexProgress) => line.update(describe(progress, started))
      try {
        const report = await move(flags, { store, index: flags.index, signal, onProgress })
        line.clear()
        const dropped = flags.dropOld ? await dropOldIndex({ store, index: flags.index }) : undefined
        finish(flags, report, dropped, (performance.now() - started) / 1000)
      } catch (error) {
        if (isQontrastError(error, 'aborted'))
          console.error(
            'Interrupted. The index is as it was; run the same command again to go on, or --rollback to give it up.',
          )
        throw error
      } finally {
        stop()
      }
    })

type Common = Omit<Parameters<typeof reindex>[0], 'encoder'>

/** Undefined where only the old generation is to be dropped. */
async function move(flags: ReindexFlags, options: Common): Promise<ReindexReport | undefined> {
  if (flags.rollback) {
    if (flags.model !== undefined || flags.dropOld)
      throw new QontrastError('invalid-option', '--rollback goes with neither --model nor --drop-old.')
    return rollbackIndex({
      ...options,
      loadEncoder: (name, rest) => loadEncoder(name, { ...rest, device: flags.device }),
    })
  }
  if (flags.model === undefined) {
    if (flags.dropOld) return undefined
    throw new QontrastError('invalid-option', 'Say which model: --model NAME. Or --rollback, or --drop-old alone.')
  }
  await using encoder = await openEncoder({ ...flags, model: findableModel(flags.model) })
  return await reindex({ ...options, encoder })
}

function describe({ pass, documents, total, chunks }: ReindexProgress, started: number): string {
  const rate = chunks / ((performance.now() - started) / 1000)
  const what = pass === 1 ? 'embedding' : 'mending what changed meanwhile'
  return `${what} · ${number(documents)} of ${count(total, 'document')} · ${count(chunks, 'chunk')} · ${number(rate)}/s`
}

function finish(
  { index, json }: ReindexFlags,
  report: ReindexReport | undefined,
  dropped: string | undefined,
  seconds: number,
): void {
  if (json) {
    console.log(
      JSON.stringify({
        index,
        ...report,
        ...(dropped === undefined ? {} : { dropped }),
        seconds: Number(seconds.toFixed(3)),
      }),
    )
    return
  }
  if (report) {
    const { from, to, documents, chunks } = report
    console.log(
      from === to
        ? `'${index}' is ${to} already, with ${count(documents, 'document')}.`
        : `'${index}' is ${to} now: ${count(documents, 'document')}, ${count(chunks, 'chunk')} embedded, ${number(seconds, 1)} s.`,
    )
    if (from !== to && dropped === undefined)
      console.log(`${from} is kept: --rollback goes back to it, --drop-old drops it.`)
  }
  if (dropped !== undefined) console.log(`${dropped} is dropped.`)
  else if (!report) console.log(`'${index}' has no old generation to drop.`)
}
