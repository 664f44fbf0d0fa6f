import { QontrastError } from '../../shared/index.ts'
import { weightsIn } from '../transformer/model-file.ts'
import type { EncoderKind } from './kind.ts'

/** A tower for pictures and one for texts, in a file each or in one: CLIP, SigLIP. Run in child processes. */
export const clipKind: EncoderKind = {
  name: 'clip',
  takesPictures: true,
  async recognises(folder, { dtype }) {
    const { findClipFiles } = await import('../clip/clip-files.ts')
    return (await findClipFiles(folder, dtype)) !== undefined
  },
  weights(names, dtype) {
    const towers = ['vision_model', 'text_model'].map((stem) => weightsIn(names, dtype, stem))
    return towers.every((files) => files.length > 0) ? towers.flat() : []
  },
  async load(folder, options) {
    const { loadClipEncoder } = await import('../clip/clip-encoder.ts')
    return loadClipEncoder(folder, options)
  },
  async readForTraining({ root }) {
    throw new QontrastError(
      'model-invalid',
      `${root} has a tower for pictures and one for texts, which cannot be trained yet. Train a text encoder: a folder with onnx/model.onnx whose only input is texts.`,
    )
  },
}
