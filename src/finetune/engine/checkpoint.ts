import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { HostTensor } from '../../runtime/index.ts'
import {
  isQontrastError,
  messageOf,
  QontrastError,
  readSafetensors,
  type StoredTensor,
  type TensorToWrite,
  writeSafetensors,
} from '../../shared/index.ts'
import { withDiskErrors } from './disk-errors.ts'
import { roomsOf, type TrainState } from './state.ts'

/** Where a run is, beside what its steps change. */
export interface RunProgress {
  readonly cutInputs: number
  readonly best: { readonly step: number; readonly metrics: Readonly<Record<string, number>> } | undefined
}

/** How runs are kept on disk; 1 had no state of the loss, no buffers and no shadows. */
export const runFormat = 2

/** JSON writes what is no number as null. */
const metric = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN)
const progressSchema = z.object({
  step: z.number().int().nonnegative(),
  cutInputs: z.number().int().nonnegative(),
  best: z.object({ step: z.number(), metrics: z.record(z.string(), metric) }).nullable(),
})
const prefix = 'step-'
const kept = 2
const storedTypes = { float32: 'F32', int64: 'I64', int32: 'I32', bool: 'U8' } as const

/** Writes a checkpoint beside the others and then gives it its name, so that one with a name is whole. Older ones than the last two go. */
export async function saveCheckpoint(folder: string, state: TrainState, progress: RunProgress): Promise<string> {
  const target = path.join(folder, `${prefix}${String(state.step).padStart(8, '0')}`)
  const unfinished = `${target}.unfinished`
  await withDiskErrors(async () => {
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { recursive: true })
    const tensors = [...tensorsOf(state)].map(([name, { dtype, dims, data }]): TensorToWrite => {
      return { name, dtype: storedTypes[dtype], shape: dims, values: data }
    })
    await writeSafetensors(path.join(unfinished, 'state.safetensors'), tensors)
    const { cutInputs, best = null } = progress
    const content = JSON.stringify({ format: runFormat, step: state.step, cutInputs, best })
    await writeDurably(path.join(unfinished, 'state.json'), content)
    await rm(target, { recursive: true, force: true })
    await rename(unfinished, target)
    for (const old of (await listCheckpoints(folder)).slice(0, -kept)) await rm(old, { recursive: true, force: true })
  })
  return target
}

/** Puts the newest checkpoint's state back; undefined where there is none. `file-unreadable` where it does not fit the model. */
export async function loadCheckpoint(folder: string, state: TrainState): Promise<RunProgress | undefined> {
  const newest = (await listCheckpoints(folder)).at(-1)
  if (newest === undefined) return undefined
  try {
    const content: unknown = JSON.parse(await readFile(path.join(newest, 'state.json'), 'utf8'))
    checkFormat(newest, content)
    const { step, cutInputs, best } = progressSchema.parse(content)
    const stored = await readSafetensors(path.join(newest, 'state.safetensors'))
    const own = tensorsOf(state)
    for (const [name, into] of own) checkStored(name, into, stored.get(name))
    const unknown = [...stored.keys()].find((name) => !own.has(name))
    if (unknown !== undefined) throw new Error(`'${unknown}' is no part of this run`)
    for (const [name, { data }] of own) {
      const bytes = stored.get(name)?.bytes ?? new Uint8Array()
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(bytes)
    }
    state.step = step
    return { cutInputs, best: best ?? undefined }
  } catch (cause) {
    if (isQontrastError(cause, 'invalid-option')) throw cause
    throw new QontrastError(
      'file-unreadable',
      `The checkpoint ${newest} cannot be used: ${messageOf(cause)}. Delete it to go on from the one before, or run without --resume.`,
      { cause },
    )
  }
}

/** `invalid-option` for what another version of this package wrote. */
export function checkFormat(place: string, content: unknown): void {
  const format = typeof content === 'object' && content !== null && 'format' in content ? content.format : 1
  if (format === runFormat) return
  const isOlder = typeof format === 'number' && format < runFormat
  throw new QontrastError(
    'invalid-option',
    `${place} is of format ${JSON.stringify(format)}, which ${isOlder ? 'qontrast 0.3 and older' : 'a newer qontrast'} wrote; this version goes on from format ${runFormat}. Finish the run with the version that began it, or begin again in another --out.`,
  )
}

/** All tensors of a state, each with its room before its name. */
function tensorsOf(state: TrainState): ReadonlyMap<string, HostTensor> {
  const rooms = Object.entries(roomsOf(state))
  return new Map(
    rooms.flatMap(([room, tensors]) => [...tensors].map(([name, one]) => [`${room}/${name}`, one] as const)),
  )
}

function checkStored(name: string, { dtype, dims }: HostTensor, stored: StoredTensor | undefined): void {
  if (!stored) throw new Error(`it has no '${name}'`)
  if (stored.dtype === storedTypes[dtype] && `${stored.shape}` === `${dims}`) return
  throw new Error(`'${name}' is ${stored.dtype} [${stored.shape}], not ${storedTypes[dtype]} [${dims}]`)
}

/** Whole checkpoints, oldest first. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .map((name) => path.join(folder, name))
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
