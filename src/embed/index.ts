export type {
  BatchFigures,
  EncodeOptions,
  Encoder,
  LegacyEncoder,
  Modality,
  Purpose,
  WorkerLoss,
} from './encoder.ts'
export { bundledEncoder, type LoadEncoderOptions, loadEncoder, locateModel, readTransformer } from './load-encoder.ts'
export type { ModelFolder } from './model-folder.ts'
export { readSafetensors, type StoredTensor } from './safetensors.ts'
export type { Tokenizer } from './tokenizer.ts'
export { checkWidth, type DenseLayer, type Layer, type LayerNormLayer, layerNormEpsilon } from './transformer/layers.ts'
export { checkInputs, inputValues, type PaddedLayout, padded, type TokenBatch } from './transformer/layout.ts'
export { type Dtype, dtypes } from './transformer/model-file.ts'
export type { Activation, PoolingMode } from './transformer/modules.ts'
export type { Prompt, TransformerFiles } from './transformer/read-transformer.ts'
export { type TensorToWrite, writeSafetensors } from './write-safetensors.ts'
