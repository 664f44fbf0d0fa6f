import type { ModelFolder } from '../model-folder.ts'
import { type Dtype, lookAtOnnx, modelFileNames, openOnnx, pixelInput } from '../transformer/model-file.ts'
import type { OnnxOutline } from '../transformer/onnx-outline.ts'

/** The ONNX file of a tower, or of both. */
export interface TowerFile extends Pick<OnnxOutline, 'inputs' | 'outputs'> {
  readonly path: string
  /** Whether the other tower is in it too. */
  readonly shared: boolean
}

export interface ClipFiles {
  readonly image: TowerFile
  readonly text: TowerFile
}

/**
 * The two towers of a folder, as transformers.js keeps them (`vision_model`, `text_model`) or as optimum does (one `model`); else
 * undefined.
 */
export async function findClipFiles(folder: ModelFolder, dtype: Dtype): Promise<ClipFiles | undefined> {
  const image = await find(folder, dtype, 'vision_model')
  const text = await find(folder, dtype, 'text_model')
  if (image && text) return { image, text }
  const both = await find(folder, dtype, 'model')
  return both && { image: both, text: both }
}

async function find(folder: ModelFolder, dtype: Dtype, stem: string): Promise<TowerFile | undefined> {
  const found = await lookAtOnnx(folder, modelFileNames(dtype, stem))
  if (!found) return undefined
  const { path, inputs, outputs } = found
  const shared = inputs.some(({ name }) => name === 'input_ids') && pixelInput(inputs) !== undefined
  if (stem === 'model' && !shared) return undefined
  await openOnnx(folder, found)
  return { path, inputs, outputs, shared }
}
