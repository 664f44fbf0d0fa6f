export { delegateEncoder } from './delegate.ts'
export {
  type BatchFigures,
  checkEncoder,
  type EncodeOptions,
  type Encoder,
  type LegacyEncoder,
  type Purpose,
  type TextReading,
  textOf,
  type WorkerLoss,
} from './encoder.ts'
export { appendHead, type Head } from './head/head.ts'
export type { Layer, PlaceWeights } from './head/layers.ts'
export type { PoolingMode } from './head/pooling.ts'
export type { PicturePreparation } from './image/given-plan.ts'
export { checkInputs, type Input, type Media, type MediaInput, type Modality, modalityOf } from './input.ts'
export {
  bundledEncoder,
  type LoadEncoderOptions,
  loadEncoder,
  locateModel,
  readTexts,
  readTransformer,
} from './load-encoder.ts'
export { filesInMemory, type ModelFolder } from './model-folder.ts'
export type { Processor } from './processor.ts'
export { openProcessor, type ProcessorRecipe } from './processor-recipe.ts'
export type { Tokenizer, TokenizerSettings } from './tokenizer.ts'
export { type Dtype, dtypes } from './transformer/model-file.ts'
export type { TextFiles, TransformerFiles } from './transformer/read-transformer.ts'
export { type TextInputs, type TextItem, tellsPlaces } from './transformer/text-feeds.ts'
export {
  createTextProcessor,
  type Prompt,
  type TextProcessorOptions,
  textProcessorOf,
  textRecipeOf,
} from './transformer/text-processor.ts'
