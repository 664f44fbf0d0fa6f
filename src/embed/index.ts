export type { BatchFigures, EncodeOptions, Encoder, LegacyEncoder, Modality, Purpose } from './encoder.ts'
export { bundledEncoder, type LoadEncoderOptions, loadEncoder, locateModel, readTransformer } from './load-encoder.ts'
export type { ModelFolder } from './model-folder.ts'
export { readSafetensors } from './safetensors.ts'
export type { Tokenizer } from './tokenizer.ts'
export {
  checkInputs,
  chooseOutput,
  inputValues,
  type PaddedLayout,
  padded,
  type TokenBatch,
} from './transformer/layout.ts'
export type { Dtype } from './transformer/model-file.ts'
export type { DenseModule, Prompt, TransformerFiles } from './transformer/read-transformer.ts'
export type { Activation, PoolingMode } from './transformer/settings.ts'
export { type TensorToWrite, writeSafetensors } from './write-safetensors.ts'
