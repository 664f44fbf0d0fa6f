import { listModelFiles, weightsIn } from '../transformer/model-file.ts'
import type { EncoderKind } from './kind.ts'

/** A text encoder in ONNX with the settings of sentence-transformers or transformers.js. Runs in child processes. */
export const transformerKind: EncoderKind = {
  name: 'transformer',
  takesPictures: false,
  recognises: async (folder) => (await listModelFiles(folder)).length > 0,
  weights: (names, dtype) => weightsIn(names, dtype),
  async load(folder, options) {
    const { loadTransformerEncoder } = await import('../transformer/transformer-encoder.ts')
    return loadTransformerEncoder(folder, options)
  },
  async readForTraining(folder, options) {
    const { readTransformer } = await import('../transformer/read-transformer.ts')
    return readTransformer(folder, options)
  },
}
