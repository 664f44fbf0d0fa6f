import { QontrastError } from '../../shared/index.ts'
import { weightsIn } from '../transformer/model-file.ts'
import type { EncoderKind } from './kind.ts'

/** A model of pictures in ONNX, with how they are prepared in `preprocessor_config.json`. Runs in child processes. */
export const imageKind: EncoderKind = {
  name: 'image',
  takesPictures: true,
  async recognises(folder, asked) {
    const { findImageFile } = await import('../image/image-encoder.ts')
    return (await findImageFile(folder, asked)) !== undefined
  },
  weights: (names, dtype) => weightsIn(names, dtype, 'vision_model'),
  async load(folder, options) {
    const { loadImageEncoder } = await import('../image/image-encoder.ts')
    return loadImageEncoder(folder, options)
  },
  async readForTraining({ root }) {
    throw new QontrastError(
      'model-invalid',
      `${root} is an image model: it takes pictures, and what is trained here reads texts. Train a text encoder: a folder with onnx/model.onnx whose input is input_ids.`,
    )
  },
}
