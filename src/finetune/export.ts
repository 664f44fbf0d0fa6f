import { copyFile, mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TransformerFiles, writeSafetensors } from '../embed/index.ts'
import { replaceWeights, type ValueName } from '../graph/index.ts'
import { limitLength } from './limit-length.ts'
import type { Parameter } from './optimizer/parameters.ts'
import { withDiskErrors } from './train/checkpoint.ts'
import type { Tower } from './train/tower.ts'

export interface ExportOptions {
  readonly files: TransformerFiles
  readonly tower: Tower
  readonly parameters: ReadonlyMap<ValueName, Parameter>
  readonly out: string
  /** Longest text in tokens, where that is less than the model's own. */
  readonly maximumTokens?: number
  /** Text of the model card, README.md; none where it is left out. */
  readonly card?: string
}

/** Files of a model folder that say how it is used; its weights, in whatever form, are left behind. */
const described = /\.(json|txt|model)$/
const leftBehind = new Set(['SOURCE.txt', 'expected.json', '.qontrast-fingerprint.json'])

/** Writes a model folder that this package, transformers.js and sentence-transformers (ONNX backend) open as it is. */
export async function exportModel(options: ExportOptions): Promise<void> {
  const { files, tower, parameters, out, card } = options
  const own = files.tokenizer.maximumTokens
  const { maximumTokens = own } = options
  await withDiskErrors(async () => {
    await mkdir(path.join(out, 'onnx'), { recursive: true })
    await copyDescriptions(files.folder.root, out)
    await addMissingDescriptions(files, out)
    if (maximumTokens < own) await limitLength(out, files, maximumTokens)

    const moduleOf = (name: string) =>
      files.layers.find((layer) => 'path' in layer && name.startsWith(`${layer.path}/`))
    const weights = new Map(
      [...parameters].flatMap(([name, one]) => (moduleOf(name) ? [] : [[name, one.weights] as const])),
    )
    for (const [copy, original] of tower.copies) {
      const values = weights.get(original)
      if (values) weights.set(copy, values)
    }
    await replaceFile(path.join(out, 'onnx', 'model.onnx'), replaceWeights(tower.source, weights, tower.external))
    for (const layer of files.layers) {
      if (!('path' in layer)) continue
      const tensors = [...parameters].flatMap(([name, { dims, weights: values }]) =>
        moduleOf(name) === layer
          ? [{ name: name.slice(layer.path.length + 1), dtype: 'F32' as const, shape: dims, values }]
          : [],
      )
      await writeSafetensors(path.join(out, layer.path, 'model.safetensors'), tensors)
    }
    if (card !== undefined) await writeFile(path.join(out, 'README.md'), card)
  })
}

async function copyDescriptions(from: string, out: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (entry.isDirectory() && /^\d+_/.test(entry.name)) {
      await mkdir(path.join(out, entry.name), { recursive: true })
      await copyDescriptions(path.join(from, entry.name), path.join(out, entry.name))
    } else if (!entry.isDirectory() && described.test(entry.name) && !leftBehind.has(entry.name)) {
      await copyFile(path.join(from, entry.name), path.join(out, entry.name))
    }
  }
}

/** A folder without sentence-transformers' files gets those that say what was trained: pooling, and vectors of unit length. */
async function addMissingDescriptions({ folder, settings, tokenizer }: TransformerFiles, out: string): Promise<void> {
  if (await folder.has('modules.json')) return
  const module = (idx: number, name: string, place: string) => ({
    idx,
    name: String(idx),
    path: place,
    type: `sentence_transformers.models.${name}`,
  })
  const modules = [
    module(0, 'Transformer', ''),
    module(1, 'Pooling', '1_Pooling'),
    module(2, 'Normalize', '2_Normalize'),
  ]
  const write = (name: string, value: unknown) => writeFile(path.join(out, name), `${JSON.stringify(value, null, 2)}\n`)
  await mkdir(path.join(out, '1_Pooling'), { recursive: true })
  await mkdir(path.join(out, '2_Normalize'), { recursive: true })
  await write('modules.json', modules)
  await write('1_Pooling/config.json', { pooling_mode: [...settings.pooling.modes] })
  await write('sentence_bert_config.json', { max_seq_length: tokenizer.maximumTokens, do_lower_case: false })
}

/** Written beside it first: whoever reads the model meets the old file or the new one. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${file}.unfinished`, bytes)
  await rename(`${file}.unfinished`, file)
}
