import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../../embed/index.ts'
import type { ValueName } from '../../graph/index.ts'
import { messageOf, QontrastError, systemCodeOf } from '../../shared/index.ts'
import type { Optimizer } from '../optimizer/optimizer.ts'
import type { Parameter } from '../optimizer/parameters.ts'

/** Where a run is, beside its weights. */
export interface RunState {
  /** Steps done. */
  readonly step: number
  readonly cutTexts: number
  readonly best: { readonly step: number; readonly metrics: Readonly<Record<string, number>> } | undefined
}

/** JSON writes what is no number as null. */
const metric = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN)
const stateSchema = z.object({
  format: z.literal(1),
  step: z.number().int().nonnegative(),
  cutTexts: z.number().int().nonnegative(),
  best: z.object({ step: z.number(), metrics: z.record(z.string(), metric) }).nullable(),
  usedRows: z.record(z.string(), z.array(z.number().int())),
})
const prefix = 'step-'
const kept = 2

/** Writes a checkpoint beside the others and then gives it its name, so that one with a name is whole. Older ones than the last two go. */
export async function saveCheckpoint(
  folder: string,
  state: RunState,
  parameters: ReadonlyMap<ValueName, Parameter>,
  optimizer: Optimizer,
): Promise<string> {
  const target = path.join(folder, `${prefix}${String(state.step).padStart(8, '0')}`)
  const unfinished = `${target}.unfinished`
  await withDiskErrors(async () => {
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { recursive: true })
    const tensors = [...parameters.values()].flatMap(({ name, dims, weights, slots }): TensorToWrite[] => [
      { name: `weights/${name}`, dtype: 'F32', shape: dims, values: weights },
      ...slots.map((values, i) => ({
        name: `${optimizer.slots[i]}/${name}`,
        dtype: 'F32' as const,
        shape: dims,
        values,
      })),
    ])
    await writeSafetensors(path.join(unfinished, 'state.safetensors'), tensors)
    const usedRows = Object.fromEntries(
      [...parameters].flatMap(([name, one]) => (one.usedRows ? [[name, [...one.usedRows]]] : [])),
    )
    await writeDurably(
      path.join(unfinished, 'state.json'),
      JSON.stringify({ format: 1, step: state.step, cutTexts: state.cutTexts, best: state.best ?? null, usedRows }),
    )
    await rm(target, { recursive: true, force: true })
    await rename(unfinished, target)
    for (const old of (await listCheckpoints(folder)).slice(0, -kept)) await rm(old, { recursive: true, force: true })
  })
  return target
}

/** Puts the newest checkpoint's weights and slots back; undefined where there is none. `file-unreadable` where it does not fit the model. */
export async function loadCheckpoint(
  folder: string,
  parameters: ReadonlyMap<ValueName, Parameter>,
  optimizer: Optimizer,
): Promise<RunState | undefined> {
  const newest = (await listCheckpoints(folder)).at(-1)
  if (newest === undefined) return undefined
  try {
    const { step, cutTexts, best, usedRows } = stateSchema.parse(
      JSON.parse(await readFile(path.join(newest, 'state.json'), 'utf8')),
    )
    const tensors = await readSafetensors(path.join(newest, 'state.safetensors'))
    const restore = (name: string, into: Float32Array) => {
      const values = tensors.get(name)?.toFloat32()
      if (values?.length !== into.length) throw new Error(`'${name}' is not there as it should be`)
      into.set(values)
    }
    for (const { name, weights, slots, usedRows: used } of parameters.values()) {
      restore(`weights/${name}`, weights)
      for (const [i, slot] of slots.entries()) restore(`${optimizer.slots[i]}/${name}`, slot)
      for (const row of usedRows[name] ?? []) used?.add(row)
    }
    return { step, cutTexts, best: best ?? undefined }
  } catch (cause) {
    throw new QontrastError(
      'file-unreadable',
      `The checkpoint ${newest} cannot be used: ${messageOf(cause)}. Delete it to go on from the one before, or run without --resume.`,
      { cause },
    )
  }
}

/** Whole checkpoints, oldest first. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .map((name) => path.join(folder, name))
}

const full = new Set(['ENOSPC', 'EDQUOT'])
const refused = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR'])

/** Tells a full disk apart, and a folder that cannot be written to. */
export async function withDiskErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const code = systemCodeOf(cause) ?? ''
    if (refused.has(code)) {
      throw new QontrastError(
        'invalid-option',
        `out cannot be written to: ${messageOf(cause)}. Choose another --out.`,
        {
          cause,
        },
      )
    }
    if (!full.has(code)) throw cause
    throw new QontrastError(
      'disk-full',
      'The disk is full. The last whole checkpoint is kept: free some space, and run again with --resume.',
      { cause },
    )
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
