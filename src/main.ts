export {
  bundledEncoder,
  type EncodeOptions,
  type Encoder,
  type LoadEncoderOptions,
  loadEncoder,
} from './embed/index.ts'
export {
  type Document,
  type ErrorCode,
  isQontrastError,
  type JsonObject,
  type JsonValue,
  type Matrix,
  type Progress,
  QontrastError,
  type Section,
} from './shared/index.ts'
