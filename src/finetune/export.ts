import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TransformerFiles, writeSafetensors } from '../embed/index.ts'
import { replaceWeights } from '../graph/index.ts'
import { writeDescriptions } from './descriptions.ts'
import { withDiskErrors } from './engine/checkpoint.ts'
import type { TrainState } from './engine/state.ts'
import type { Tower } from './engine/tower.ts'
import { limitLength } from './limit-length.ts'

export interface ExportOptions {
  readonly files: TransformerFiles
  readonly tower: Tower
  /** Of the tower, by their names in it. */
  readonly weights: TrainState['weights']
  readonly out: string
  /** Longest text in tokens, where that is less than the model's own. */
  readonly maximumTokens?: number
  /** Text of the model card, README.md; none where it is left out. */
  readonly card?: string
}

/** Writes a model folder that this package, transformers.js and sentence-transformers (ONNX backend) open as it is. */
export async function exportModel(options: ExportOptions): Promise<void> {
  const { files, tower, weights: trained, out, card } = options
  const own = files.tokenizer.maximumTokens
  const { maximumTokens = own } = options
  await withDiskErrors(async () => {
    await mkdir(path.join(out, 'onnx'), { recursive: true })
    await writeDescriptions(files, out, tower.tokenDimensions)
    if (maximumTokens < own) await limitLength(out, files, maximumTokens)

    const moduleOf = (name: string) =>
      files.layers.find((layer) => 'path' in layer && name.startsWith(`${layer.path}/`))
    const weights = new Map([...trained].flatMap(([name, { data }]) => (moduleOf(name) ? [] : [[name, data] as const])))
    for (const [copy, original] of tower.copies) {
      const values = weights.get(original)
      if (values) weights.set(copy, values)
    }
    await replaceFile(path.join(out, 'onnx', 'model.onnx'), replaceWeights(tower.source, weights, tower.external))
    for (const layer of files.layers) {
      if (!('path' in layer)) continue
      const tensors = [...trained].flatMap(([name, { dims, data: values }]) =>
        moduleOf(name) === layer
          ? [{ name: name.slice(layer.path.length + 1), dtype: 'F32' as const, shape: dims, values }]
          : [],
      )
      await writeSafetensors(path.join(out, layer.path, 'model.safetensors'), tensors)
    }
    if (card !== undefined) await writeFile(path.join(out, 'README.md'), card)
  })
}

/** Written beside it first: whoever reads the model meets the old file or the new one. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${file}.unfinished`, bytes)
  await rename(`${file}.unfinished`, file)
}
