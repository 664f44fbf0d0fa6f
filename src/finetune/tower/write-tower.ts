import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { TransformerFiles } from '../../embed/index.ts'
import { replaceWeights, type TensorValue, type ValueName } from '../../graph/index.ts'
import { writeSafetensors } from '../../shared/index.ts'
import { writeDescriptions } from './descriptions.ts'
import { limitLength } from './limit-length.ts'
import type { WriteOptions } from './tower.ts'

/** Where a tower was read from. */
export interface TowerSource extends WriteOptions {
  readonly files: TransformerFiles
  /** The ONNX file as it is: weights go back into it under their names. */
  readonly source: Uint8Array<ArrayBuffer>
  /** Constants that lay in files beside it. */
  readonly external: ReadonlyMap<ValueName, Uint8Array<ArrayBuffer>>
  /** Weights of modules after pooling, which lie in files of their own. */
  readonly added: ReadonlyMap<ValueName, TensorValue>
  /** Weights of the file that are copies of a parameter, and of which. */
  readonly copies: ReadonlyMap<ValueName, ValueName>
}

export interface TowerValues {
  readonly values: ReadonlyMap<ValueName, Float32Array>
  /** Numbers of a token's vector, or of the text's where the model gives that itself. */
  readonly tokenDimensions: number
}

/** Writes the folder that a tower was read from anew, with other weights in its ONNX file and its modules: transformers.js and sentence-transformers open it as it is. */
export async function writeTower(
  from: TowerSource,
  out: string,
  { values, tokenDimensions }: TowerValues,
): Promise<void> {
  const { files, source, external, copies, added } = from
  const own = files.tokenizer.maximumTokens
  const { maximumTokens = own } = from
  await mkdir(path.join(out, 'onnx'), { recursive: true })
  await writeDescriptions(files, out, tokenDimensions)
  if (maximumTokens < own) await limitLength(out, files, maximumTokens)

  const modules = files.layers.flatMap((layer) => ('path' in layer ? [layer] : []))
  const isOf = (name: ValueName, { path: folder }: { readonly path: string }) => name.startsWith(`${folder}/`)
  const weights = new Map([...values].filter(([name]) => !added.has(name)))
  for (const [copy, original] of copies) {
    const same = weights.get(original)
    if (same) weights.set(copy, same)
  }
  await replaceFile(path.join(out, 'onnx', 'model.onnx'), replaceWeights(source, weights, external))
  for (const layer of modules) {
    const tensors = [...added].flatMap(([name, { dims }]) => {
      const own = isOf(name, layer) ? values.get(name) : undefined
      return own ? [{ name: name.slice(layer.path.length + 1), dtype: 'F32' as const, shape: dims, values: own }] : []
    })
    await writeSafetensors(path.join(out, layer.path, 'model.safetensors'), tensors)
  }
}

/** Written beside it first: whoever reads the model meets the old file or the new one. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${file}.unfinished`, bytes)
  await rename(`${file}.unfinished`, file)
}
