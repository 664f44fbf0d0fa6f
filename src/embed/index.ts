export type { EncodeOptions, Encoder, Modality, Purpose } from './encoder.ts'
export { bundledEncoder, type LoadEncoderOptions, loadEncoder } from './load-encoder.ts'
export type { Dtype } from './transformer/model-file.ts'
