import { appendFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { QontrastError } from '../../shared/index.ts'
import { listCheckpoints, withDiskErrors } from './checkpoint.ts'
import type { EvaluateEnd, FinetuneEvent } from './events.ts'

/** `run/` in the model's folder: config.json, metrics.jsonl, checkpoints/, and the weights being measured. */
export interface RunFolder {
  readonly checkpoints: string
  /** A model folder for the weights of the moment, to be measured. */
  readonly candidate: string
  /** Writes the settings, or, when resuming, compares them: `invalid-option` says which differ. */
  checkSettings(settings: Readonly<Record<string, unknown>>): Promise<void>
  log(event: FinetuneEvent): Promise<void>
  evaluations(): Promise<EvaluateEnd[]>
  /** The candidate is the best so far. */
  keepCandidate(): Promise<void>
  /** Puts the best weights into a model folder. */
  takeBest(out: string): Promise<void>
}

/** Opens the folder of a run. `invalid-option` where one is there already and `resume` is not asked for, or the other way round. */
export async function openRunFolder(out: string, { resume }: { readonly resume: boolean }): Promise<RunFolder> {
  const folder = path.join(out, 'run')
  const config = path.join(folder, 'config.json')
  const metrics = path.join(folder, 'metrics.jsonl')
  const checkpoints = path.join(folder, 'checkpoints')
  const best = path.join(folder, 'best')
  const candidate = path.join(folder, 'candidate')
  const begun = await readFile(config, 'utf8').catch(() => undefined)
  if (resume && begun === undefined) {
    throw new QontrastError('invalid-option', `${out} has no run to resume: leave --resume (resume) out to begin one.`)
  }
  if (!resume && begun !== undefined && (await listCheckpoints(checkpoints)).length > 0) {
    throw new QontrastError(
      'invalid-option',
      `${out} has a run already: pass --resume (resume) to go on with it, or choose another --out.`,
    )
  }
  await withDiskErrors(() => mkdir(checkpoints, { recursive: true }))

  return {
    checkpoints,
    candidate,
    async checkSettings(settings) {
      const own: Readonly<Record<string, unknown>> = JSON.parse(JSON.stringify(settings))
      if (!resume || begun === undefined) {
        await withDiskErrors(() => writeFile(config, `${JSON.stringify(own, null, 2)}\n`))
        return withDiskErrors(() => writeFile(metrics, ''))
      }
      const before: Readonly<Record<string, unknown>> = JSON.parse(begun)
      const names = [...new Set([...Object.keys(before), ...Object.keys(own)])]
      const differing = names.filter((name) => !isDeepStrictEqual(before[name], own[name]))
      if (differing.length === 0) return
      const said = differing.map(
        (name) => `${name}: ${JSON.stringify(before[name])} then, ${JSON.stringify(own[name])} now`,
      )
      throw new QontrastError(
        'invalid-option',
        `The run in ${out} has other settings (${said.join('; ')}). Resume it with its own, or choose another --out.`,
      )
    },
    log: (event) => withDiskErrors(() => appendFile(metrics, `${JSON.stringify(event)}\n`)),
    async evaluations() {
      const lines = (await readFile(metrics, 'utf8')).trim().split('\n')
      const events = lines.flatMap((line): FinetuneEvent[] => (line === '' ? [] : [JSON.parse(line)]))
      const last = new Map<number, EvaluateEnd>()
      for (const event of events) if (event.type === 'evaluate-end') last.set(event.step, event)
      return [...last.values()]
    },
    async keepCandidate() {
      await rm(best, { recursive: true, force: true })
      await rename(candidate, best)
    },
    async takeBest(target) {
      await withDiskErrors(() => cp(best, target, { recursive: true }))
    },
  }
}
