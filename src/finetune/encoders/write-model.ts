import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type ExternalPart, type Model, serializeWithData } from '../../graph/index.ts'

export interface WriteModelOptions {
  /** Files that describe the model, by their names in its folder. */
  readonly files: Readonly<Record<string, object>>
  /** Bytes of weights from which on they lie in a file beside the ONNX file. */
  readonly mostInside?: number
}

/** Writes the folder of a model that never was a file; whoever opens it meets the model of before or this one. */
export async function writeModel(out: string, model: Model, { files, ...limits }: WriteModelOptions): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(out, name)), { recursive: true })
    await replace(path.join(out, name), (target) => writeFile(target, `${JSON.stringify(content, null, 2)}\n`))
  }
  const folder = path.join(out, 'onnx')
  await mkdir(folder, { recursive: true })
  const location = 'model.onnx_data'
  const { file, data } = serializeWithData(model, { location, ...limits })
  if (data.length > 0) await replace(path.join(folder, location), (target) => writeParts(target, data))
  await replace(path.join(folder, 'model.onnx'), (target) => writeFile(target, file))
  if (data.length === 0) await rm(path.join(folder, location), { force: true })
}

async function replace(file: string, write: (target: string) => Promise<void>): Promise<void> {
  await write(`${file}.unfinished`)
  await rename(`${file}.unfinished`, file)
}

/** A system's call writes no more than 2 GiB at a time. */
const mostAtOnce = 2 ** 28

async function writeParts(target: string, parts: readonly ExternalPart[]): Promise<void> {
  await using file = await open(target, 'w')
  for (const { padding, bytes } of parts) {
    await file.writeFile(new Uint8Array(padding))
    for (let from = 0; from < bytes.length; from += mostAtOnce)
      await file.writeFile(bytes.subarray(from, from + mostAtOnce))
  }
}
