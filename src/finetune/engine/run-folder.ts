import { appendFile, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isQontrastError, QontrastError } from '../../shared/index.ts'
import { checkFormat, listCheckpoints, runFormat } from './checkpoint.ts'
import { withDiskErrors } from './disk-errors.ts'
import type { EvaluateEnd, TrainEvent } from './events.ts'
import { differences, type RunIdentity } from './identity.ts'

/** `run/` in the model's folder: config.json, metrics.jsonl, checkpoints/, and the weights being measured. */
export interface RunFolder {
  readonly checkpoints: string
  /** A model folder for the weights of the moment, to be measured. */
  readonly candidate: string
  /** Writes what the run is, or, when resuming, compares it: `invalid-option` says what differs. Returns it as it is from now on. */
  begin(identity: RunIdentity): Promise<RunIdentity>
  log(event: TrainEvent): Promise<void>
  evaluations(): Promise<EvaluateEnd[]>
  /** The candidate has the best weights so far, those of a step; the ones before stay until `forget`. */
  keepBest(step: number): Promise<void>
  hasBest(step: number): Promise<boolean>
  /** Puts the best weights and their card into a model folder. */
  takeBest(step: number, out: string, card: string | undefined): Promise<void>
  /** Removes best weights that are none any more, once a checkpoint says so. */
  forget(exceptStep: number | undefined): Promise<void>
}

/** Opens the folder of a run. `invalid-option` where one is there already and `resume` is not asked for, or the other way round. */
export async function openRunFolder(out: string, { resume }: { readonly resume: boolean }): Promise<RunFolder> {
  const folder = path.join(out, 'run')
  const config = path.join(folder, 'config.json')
  const metrics = path.join(folder, 'metrics.jsonl')
  const checkpoints = path.join(folder, 'checkpoints')
  const candidate = path.join(folder, 'candidate')
  const bestOf = (step: number) => path.join(folder, `best-${step}`)
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

  return {
    checkpoints,
    candidate,
    async begin(identity) {
      const before = resume && begun !== undefined ? readIdentity(config, begun) : undefined
      const own = before ? resumed(out, before, identity) : identity
      await withDiskErrors(async () => {
        await mkdir(checkpoints, { recursive: true })
        await writeFile(`${config}.unfinished`, `${JSON.stringify({ format: runFormat, ...own }, null, 2)}\n`)
        await rename(`${config}.unfinished`, config)
        if (!before) await writeFile(metrics, '')
      })
      return own
    },
    log: (event) => withDiskErrors(() => appendFile(metrics, `${JSON.stringify(event)}\n`)),
    async evaluations() {
      const lines = (await readFile(metrics, 'utf8')).split('\n')
      const last = new Map<number, EvaluateEnd>()
      for (const event of lines.flatMap(readEvent)) if (event.type === 'evaluate-end') last.set(event.step, event)
      return [...last.values()].sort((a, b) => a.step - b.step)
    },
    async keepBest(step) {
      await rm(bestOf(step), { recursive: true, force: true })
      await rename(candidate, bestOf(step))
    },
    hasBest: (step) =>
      stat(bestOf(step)).then(
        () => true,
        () => false,
      ),
    async takeBest(step, target, card) {
      await withDiskErrors(async () => {
        await cp(bestOf(step), target, { recursive: true })
        if (card !== undefined) await writeFile(path.join(target, 'README.md'), card)
      })
    },
    async forget(exceptStep) {
      const names = (await readdir(folder)).filter((name) => /^best-\d+$/.test(name))
      for (const name of names)
        if (name !== `best-${exceptStep}`) await rm(path.join(folder, name), { recursive: true, force: true })
    },
  }
}

function readIdentity(config: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const { format, ...identity }: Readonly<Record<string, unknown>> = JSON.parse(text)
    checkFormat(config, { format: format ?? 1 })
    return identity
  } catch (cause) {
    if (isQontrastError(cause)) throw cause
    throw new QontrastError(
      'file-unreadable',
      `${config} is no JSON: the run cannot be resumed. Choose another --out.`,
      {
        cause,
      },
    )
  }
}

/** The run that goes on: as it was, with as many epochs as are asked for now. */
function resumed(out: string, before: Readonly<Record<string, unknown>>, now: RunIdentity): RunIdentity {
  const differing = differences(before, JSON.parse(JSON.stringify(now)))
  if (differing.length > 0) {
    throw new QontrastError(
      'invalid-option',
      `The run in ${out} is another one (${differing.join('; ')}). Resume it with its own settings, or choose another --out.`,
    )
  }
  const earlier = Array.isArray(before['earlierEpochs']) ? before['earlierEpochs'].map(Number) : []
  const epochs = Number(before['epochs'])
  return { ...now, earlierEpochs: epochs < now.epochs ? [...earlier, epochs] : earlier }
}

/** A line of metrics.jsonl; the last one may be half-written, by a process that was killed. */
function readEvent(line: string): TrainEvent[] {
  try {
    return line === '' ? [] : [JSON.parse(line)]
  } catch {
    return []
  }
}
