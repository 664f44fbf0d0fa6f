import { type JsonObject, QontrastError } from '../../shared/index.ts'
import type { Encoder } from '../encoder.ts'
import { openGraphEncoder } from '../graph-encoder/graph-encoder.ts'
import { type OpenLane, openLane } from '../graph-encoder/open-lane.ts'
import { imageLaneOf } from '../image/image-lane.ts'
import type { KindOptions } from '../kinds/kind.ts'
import type { ModelFolder } from '../model-folder.ts'
import { textInputsOf } from '../transformer/model-file.ts'
import { createTextProcessor } from '../transformer/text-processor.ts'
import { findClipFiles, type TowerFile } from './clip-files.ts'
import { readClipText } from './clip-text.ts'

/** Raised whenever this package computes other vectors from the same facts and files. */
const clipVersion = 1
/** Tokens of one batch, padding included. */
const tokenBudget = 2_048
/** Outputs that are a text's vector in the space of pictures, the surest first. */
const textVectors = ['text_embeds', 'text_embedding', 'text_features', 'pooler_output', 'sentence_embedding']

/**
 * Opens an encoder with a tower for pictures and one for texts, whose vectors are of one space: CLIP, SigLIP and what is kept as they are.
 */
export async function loadClipEncoder(folder: ModelFolder, options: KindOptions): Promise<Encoder> {
  const { name, dtype, dimensions, cacheDir } = options
  const files = await findClipFiles(folder, dtype)
  if (!files) throw new QontrastError('internal', `${folder.root} has no two towers`)
  if (options.output !== undefined)
    throw new QontrastError('invalid-option', `'${name}' has two towers, each with its own output: leave output out.`)
  const { lane: image, output } = await imageLaneOf(folder, { ...files.image, inPart: files.image.shared }, options)
  const text = await openTextLane(folder, files.text, options).catch(async (error: unknown) => {
    await image.close()
    throw error
  })
  return openGraphEncoder([image, text.lane], {
    name,
    folder,
    dimensions,
    cacheDir,
    text: text.reading,
    factsOf: (size): JsonObject => ({
      kind: 'clip',
      version: clipVersion,
      dtype,
      ...image.processor.facts,
      ...text.lane.processor.facts,
      outputs: { image: { ...output }, text: text.output },
      dimensions: size,
    }),
  })
}

async function openTextLane(folder: ModelFolder, file: TowerFile, { device, workers, onWarning }: KindOptions) {
  const { tokenizer, settings, shortest } = await readClipText(folder)
  const none = { prompt: '', tokens: 0, skip: 0 }
  const processor = createTextProcessor({
    tokenizer,
    settings,
    prompts: { query: none, document: none },
    inputs: textInputsOf(file.inputs),
    pooling: [],
    ...(shortest === undefined ? {} : { shortest }),
  })
  const names = file.outputs.map(({ name }) => name)
  const output = textVectors.find((one) => names.includes(one))
  if (output === undefined)
    throw new QontrastError(
      'model-invalid',
      `${file.path} gives ${names.join(', ')}; one of ${textVectors.join(', ')} is expected.`,
    )
  const lane: OpenLane = await openLane({
    processor,
    modelPath: file.path,
    inPart: file.shared,
    plan: { output, head: { pooling: undefined, layers: [] } },
    sample: 'a',
    budget: tokenBudget,
    device,
    workers,
    onFallback: onWarning,
  })
  const reading = {
    maximumTokens: tokenizer.maximumTokens - tokenizer.specialTokens,
    countTokens: (text: string) => tokenizer.ids(text).length,
  }
  return { lane, output, reading }
}
