import { QontrastError } from '../../shared/index.ts'
import type { Encoder } from '../encoder.ts'
import { openGraphEncoder } from '../graph-encoder/graph-encoder.ts'
import type { KindOptions } from '../kinds/kind.ts'
import type { ModelFolder } from '../model-folder.ts'
import { lookAtOnnx, modelFileNames, openOnnx, pixelInput } from '../transformer/model-file.ts'
import { type ImageFile, imageLaneOf } from './image-lane.ts'

/** Raised whenever this package computes other vectors from the same facts and files. */
const imageVersion = 1
/** Names of ONNX files that take pictures: transformers.js's for one of two towers, and the usual one. */
const stems = ['vision_model', 'model']

/** The ONNX file that takes pictures and nothing else: the one that is named, or that of a dtype; undefined where the folder has none. */
export async function findImageFile(
  folder: ModelFolder,
  { dtype, file }: Pick<KindOptions, 'dtype' | 'file'>,
): Promise<ImageFile | undefined> {
  for (const names of file === undefined ? stems.map((stem) => modelFileNames(dtype, stem)) : [[file]]) {
    const found = await lookAtOnnx(folder, names)
    if (found?.inputs.length !== 1 || !pixelInput(found.inputs)) continue
    await openOnnx(folder, found)
    const { path, inputs, outputs } = found
    return { path, inputs, outputs, inPart: false }
  }
  return undefined
}

/** Opens an encoder of pictures: an ONNX file with one input for pixels, and `preprocessor_config.json`. */
export async function loadImageEncoder(folder: ModelFolder, options: KindOptions): Promise<Encoder> {
  const { name, dtype, dimensions, cacheDir } = options
  const file = await findImageFile(folder, options)
  if (!file) throw new QontrastError('internal', `${folder.root} has no ONNX file for pictures`)
  const { lane, output } = await imageLaneOf(folder, file, options)
  const { facts } = lane.processor
  return openGraphEncoder([lane], {
    name,
    folder,
    dimensions,
    cacheDir,
    factsOf: (size) => ({
      kind: 'image',
      version: imageVersion,
      dtype,
      ...facts,
      output: { ...output },
      dimensions: size,
    }),
  })
}
