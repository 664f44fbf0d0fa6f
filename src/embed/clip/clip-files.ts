import path from 'node:path'
import type { ModelFolder } from '../model-folder.ts'
import { type Dtype, modelFileNames, openExternalData } from '../transformer/model-file.ts'
import { type OnnxOutline, readOnnxOutline } from '../transformer/onnx-outline.ts'

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
  return both && takesTexts(both) && takesPictures(both) ? { image: both, text: both } : undefined
}

async function find(folder: ModelFolder, dtype: Dtype, stem: string): Promise<TowerFile | undefined> {
  for (const name of modelFileNames(dtype, stem)) {
    if (!(await folder.has(name))) continue
    const found = path.join(folder.root, name)
    const { inputs, outputs, external } = readOnnxOutline(found)
    const shared = takesTexts({ inputs }) && takesPictures({ inputs })
    if (stem === 'model' && !shared) return undefined
    await folder.open(name)
    await openExternalData(folder, name, external)
    return { path: found, inputs, outputs, shared }
  }
  return undefined
}

const takesTexts = ({ inputs }: Pick<OnnxOutline, 'inputs'>) => inputs.some(({ name }) => name === 'input_ids')
const takesPictures = ({ inputs }: Pick<OnnxOutline, 'inputs'>) => inputs.some(({ rank }) => rank === 4)
