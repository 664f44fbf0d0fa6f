import type { Device } from '../../runtime/index.ts'
import type { Encoder } from '../encoder.ts'
import type { PicturePreparation } from '../image/given-plan.ts'
import type { ModelFolder } from '../model-folder.ts'
import type { Dtype } from '../transformer/model-file.ts'
import type { TransformerFiles } from '../transformer/read-transformer.ts'

/** The options of `loadEncoder` that a kind may need, with their defaults. */
export interface KindOptions {
  /** The model's name as it was asked for. */
  readonly name: string
  readonly device: Device
  readonly dtype: Dtype
  /** Of the folder's ONNX files, the one that was named. */
  readonly file: string | undefined
  readonly workers: number | undefined
  /** Matryoshka cut: the first dimensions, at unit length again. */
  readonly dimensions: number | undefined
  /** Name of the model's output that vectors are taken from. */
  readonly output: string | undefined
  /** How pictures are prepared; what the folder says where it is left out. */
  readonly pictures: PicturePreparation | undefined
  readonly cacheDir: string
  readonly onWarning: (message: string) => void
}

export type TrainingOptions = Pick<KindOptions, 'dtype' | 'output'>

/** A kind of encoder: a file in this folder and a line in `kinds`. What it needs is imported when it is loaded, not before. */
export interface EncoderKind {
  readonly name: string
  /** Whether its models take pictures. */
  readonly takesPictures: boolean
  /** Whether a folder is one of its own. It only looks: what it opens here takes no part in a fingerprint. */
  recognises(folder: ModelFolder, asked: Pick<KindOptions, 'dtype' | 'file'>): Promise<boolean>
  /** Of a repository's files, those that hold the weights it needs; none where it is not one of its own. Settings are fetched anyway. */
  weights(names: readonly string[], dtype: Dtype): readonly string[]
  load(folder: ModelFolder, options: KindOptions): Promise<Encoder>
  /** Reads it for training, or says why it cannot be trained. */
  readForTraining(folder: ModelFolder, options: TrainingOptions): Promise<TransformerFiles>
}
