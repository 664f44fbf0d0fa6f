import { Command } from 'commander'
import {
  dropOldIndex,
  isOutdated,
  listIndexes,
  type ReindexProgress,
  type ReindexReport,
  undoUpgrade,
  upgradeIndex,
  type VectorStore,
} from '../index/index.ts'
import { isQontrastError, messageOf, QontrastError } from '../shared/index.ts'
import { exitCodeOf } from './exit-codes.ts'
import { abortOnInterrupt } from './interrupt.ts'
import {
  defaultIndex,
  deviceOption,
  dimensionsOption,
  dtypeOption,
  jsonOption,
  type ModelFlags,
  modelOption,
  openEncoder,
  pathOption,
  type SetExitCode,
  storeOption,
  workersOption,
} from './options.ts'
import { count, createProgressLine, number } from './progress-line.ts'
import { openStore, type StoreFlags } from './store-address.ts'

interface UpgradeFlags extends StoreFlags, ModelFlags {
  readonly index?: string
  readonly all?: boolean
  readonly anew?: boolean
  readonly rollback?: boolean
  readonly discard?: boolean
  readonly dropOld?: boolean
  readonly json?: boolean
}

interface Outcome {
  readonly error?: string
  readonly report?: ReindexReport
  readonly dropped?: string
}

export const upgradeCommand = (setExitCode: SetExitCode): Command =>
  new Command('upgrade')
    .description(
      'Bring an index that an older version wrote into the form of this one. Broken off, it goes on where it was; vectors are kept where they are still right.',
    )
    .addOption(pathOption())
    .addOption(storeOption())
    .option('--index <name>', `name of the index (default: ${defaultIndex})`)
    .option('--all', 'every index there that is in an older form')
    .addOption(modelOption('default: the one the index was made with'))
    .option('--anew', 'take another model than that, and embed everything with it')
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(dimensionsOption())
    .addOption(workersOption())
    .option('--rollback', 'go back to the older form, for the version that wrote it')
    .option('--discard', 'with --rollback: give up what was written since the upgrade')
    .option('--drop-old', 'drop the older form, once the index is upgraded, or now')
    .addOption(jsonOption('the reports'))
    .addHelpText(
      'after',
      '\nExamples:\n  qontrast upgrade --index docs\n  qontrast upgrade --all --path ./qontrast-data\n  qontrast upgrade --index docs --rollback\n  qontrast upgrade --index docs --drop-old',
    )
    .action(async (flags: UpgradeFlags) => {
      const { signal, stop } = abortOnInterrupt()
      await using store = openStore(flags)
      try {
        const outcomes: Record<string, Outcome> = {}
        for (const index of await namesOf(flags, store)) {
          const outcome = await upgradeOne(flags, { store, index, signal }).catch((error: unknown) => {
            if (!flags.all || isQontrastError(error, 'aborted')) throw error
            setExitCode(exitCodeOf(error))
            return { error: messageOf(error) } // the others can be upgraded all the same
          })
          outcomes[index] = outcome
          if (!flags.json) print(index, outcome, flags)
        }
        if (flags.json) console.log(JSON.stringify(outcomes))
        else if (Object.keys(outcomes).length === 0) console.log('No index there is in an older form.')
      } finally {
        stop()
      }
    })

async function namesOf({ index, all }: UpgradeFlags, store: VectorStore): Promise<string[]> {
  if (!all) return [index ?? defaultIndex]
  if (index !== undefined) throw new QontrastError('invalid-option', 'Say either --index or --all.')
  return (await listIndexes(store)).filter(({ schema }) => isOutdated(schema)).map(({ name }) => name)
}

async function upgradeOne(
  flags: UpgradeFlags,
  at: { readonly store: VectorStore; readonly index: string; readonly signal: AbortSignal },
): Promise<Outcome> {
  if (flags.rollback)
    return { report: await undoUpgrade({ store: at.store, index: at.index, discard: flags.discard ?? false }) }
  const report = await run(flags, at)
  const dropped = flags.dropOld ? await dropOldIndex({ store: at.store, index: at.index }) : undefined
  return { report, ...(dropped === undefined ? {} : { dropped }) }
}

async function run(
  flags: UpgradeFlags,
  at: { readonly store: VectorStore; readonly index: string; readonly signal: AbortSignal },
): Promise<ReindexReport> {
  const line = createProgressLine()
  const started = performance.now()
  await using encoder = await openEncoder(flags, at)
  try {
    return await upgradeIndex({
      ...at,
      encoder,
      anew: flags.anew ?? false,
      onProgress: (progress) => line.update(`${at.index}: ${describe(progress, started)}`),
    })
  } finally {
    line.clear()
  }
}

function describe({ pass, documents, total, chunks }: ReindexProgress, started: number): string {
  const rate = documents / ((performance.now() - started) / 1000)
  return `pass ${pass} · ${number(documents)} of ${count(total, 'document')} · ${count(chunks, 'chunk')} embedded · ${number(rate)}/s`
}

function print(index: string, { report, dropped, error }: Outcome, { rollback }: UpgradeFlags): void {
  if (error !== undefined) console.error(`'${index}' stays as it is: ${error}`)
  if (report && report.from === report.to) console.log(`'${index}' is in the form of this version already.`)
  else if (report && rollback) {
    console.log(`'${index}' is in its older form again (${report.to}): ${count(report.documents, 'document')}.`)
  } else if (report) {
    const { documents, chunks, from } = report
    console.log(
      `'${index}' is upgraded: ${count(documents, 'document')}, ${count(chunks, 'chunk')} embedded anew, the other vectors kept.`,
    )
    if (dropped === undefined) console.log(`${from} is kept: --rollback goes back to it, --drop-old drops it.`)
  }
  if (dropped !== undefined) console.log(`${dropped} is dropped.`)
}
