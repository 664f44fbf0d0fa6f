import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { QontrastError } from '../../shared/index.ts'
import { type OpenLane, openLane } from '../graph-encoder/open-lane.ts'
import type { KindOptions } from '../kinds/kind.ts'
import type { ModelFolder } from '../model-folder.ts'
import { pixelInput } from '../transformer/model-file.ts'
import type { OnnxOutline } from '../transformer/onnx-outline.ts'
import { planOf } from './given-plan.ts'
import { chooseImageOutput, type ImageOutput } from './image-output.ts'
import { createImageProcessor } from './image-processor.ts'
import { createPicturePool } from './picture-pool.ts'
import { fixedSize } from './preprocess-plan.ts'
import { readPreprocessor } from './read-preprocessor.ts'

/** An ONNX file that takes pictures, maybe beside something else. */
export interface ImageFile extends Pick<OnnxOutline, 'inputs' | 'outputs'> {
  readonly path: string
  /** It has other inputs too, which it is not given. */
  readonly inPart: boolean
}

export type ImageLaneOptions = Pick<KindOptions, 'device' | 'workers' | 'output' | 'pictures' | 'onWarning'>

/** Of one batch, in patches of 16 × 16 pixels: about ten pictures of 224 × 224. */
const patchBudget = 2_048
const configSchema = z.looseObject({ model_type: z.string().nullish() })
/** ONNX's number for float32. */
const float32 = 1

/** Opens the way of pictures through a model: they are decoded in processes of their own, and the model runs in others. */
export async function imageLaneOf(
  folder: ModelFolder,
  file: ImageFile,
  { device, workers, onWarning, ...asked }: ImageLaneOptions,
): Promise<{ readonly lane: OpenLane; readonly output: ImageOutput }> {
  const plan = asked.pictures ? planOf(asked.pictures) : await readPreprocessor(folder)
  if (!plan) throw unprepared(folder)
  const input = pixelsOf(file)
  const family = (await folder.facts('config.json', configSchema))?.model_type ?? undefined
  const output = chooseImageOutput(file.outputs, { family, asked: asked.output })
  const size = fixedSize(plan)
  const pool = await createPicturePool({ steps: plan.steps, workers: Math.min(4, availableParallelism()) })
  try {
    const lane = await openLane({
      processor: createImageProcessor({ plan, size, pool, input }),
      modelPath: file.path,
      inPart: file.inPart,
      plan: { output: output.name, head: { pooling: undefined, reading: output.reading, layers: [] } },
      budget: patchBudget,
      device,
      workers,
      onFallback: onWarning,
    })
    const close = async () => {
      await Promise.all([lane.close(), pool.close()])
    }
    return { lane: { ...lane, close }, output }
  } catch (error) {
    await pool.close()
    throw error
  }
}

/** Name of the input for pixels. */
function pixelsOf({ path, inputs }: ImageFile): string {
  const input = pixelInput(inputs)
  if (!input) throw new QontrastError('model-invalid', `${path} has no input for pictures.`)
  if (input.elementType === undefined || input.elementType === float32) return input.name
  throw new QontrastError('model-invalid', `${path} takes pixels as another type than float32: export it in fp32.`)
}

function unprepared(folder: ModelFolder): QontrastError {
  return new QontrastError(
    'model-invalid',
    `${folder.root} has no preprocessor_config.json, which says how pictures are prepared: save the model's own beside it (AutoImageProcessor.from_pretrained(NAME).save_pretrained(FOLDER)), or say it: loadEncoder(NAME, { pictures: { size: 224, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } }).`,
  )
}
