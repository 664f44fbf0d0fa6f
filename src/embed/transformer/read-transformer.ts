import { z } from 'zod'
import { QontrastError } from '../../shared/index.ts'
import type { ModelFolder } from '../model-folder.ts'
import { readSafetensors } from '../safetensors.ts'
import { createTokenizer, type Tokenizer } from '../tokenizer.ts'
import type { DenseLayer } from './dense.ts'
import { type Dtype, findModelFile, type ModelFile } from './model-file.ts'
import { readTransformerSettings, type TransformerSettings } from './settings.ts'

/** All that a transformer's folder says, read but not yet run. */
export interface TransformerFiles {
  readonly folder: ModelFolder
  readonly model: ModelFile
  readonly settings: TransformerSettings
  readonly tokenizer: Tokenizer
  readonly dense: readonly DenseModule[]
  readonly prompts: { readonly query: Prompt; readonly document: Prompt }
}

export interface DenseModule {
  /** Folder of the module, relative to the model's, and its weights. */
  readonly path: string
  readonly file: string
  readonly layer: DenseLayer
}

export interface Prompt {
  readonly prompt: string
  readonly tokens: number
  /** How many of a text's first tokens are not pooled because of it. */
  readonly skip: number
}

const anyJson = z.looseObject({})

/** Reads a transformer's folder: `model-not-found` where the weights of that dtype are missing, `model-invalid` where a file is broken. */
export async function readTransformer(folder: ModelFolder, dtype: Dtype): Promise<TransformerFiles> {
  const model = await findModelFile(folder, dtype)
  const settings = await readTransformerSettings(folder)
  const tokenizer = await readTokenizer(folder, settings)
  const dense = await readDenseLayers(folder, settings)
  const prompts = {
    query: describePrompt(settings.prompts.query, settings, tokenizer),
    document: describePrompt(settings.prompts.document, settings, tokenizer),
  }
  return { folder, model, settings, tokenizer, dense, prompts }
}

async function readTokenizer(folder: ModelFolder, settings: TransformerSettings): Promise<Tokenizer> {
  const tokenizer = await folder.json('tokenizer.json', anyJson)
  if (!tokenizer) {
    throw new QontrastError(
      'model-invalid',
      `${folder.root} has no tokenizer.json. Save the fast tokenizer beside the model: AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER).`,
    )
  }
  const config = (await folder.json('tokenizer_config.json', anyJson)) ?? {}
  return createTokenizer({ tokenizer, config }, settings.tokenizer)
}

async function readDenseLayers(folder: ModelFolder, settings: TransformerSettings): Promise<DenseModule[]> {
  const layers: DenseModule[] = []
  for (const { path, activation } of settings.dense) {
    const file = await folder.find(`${path}/model.safetensors`)
    if (!file)
      throw new QontrastError(
        'model-invalid',
        `${folder.root}/${path} has no model.safetensors, the weights of its Dense layer.`,
      )
    const tensors = await readSafetensors(file)
    const weight = tensors.get('linear.weight')
    if (!weight) throw new QontrastError('model-invalid', `${file} has no tensor 'linear.weight'.`)
    const bias = tensors.get('linear.bias')?.toFloat32()
    layers.push({ path, file, layer: { weight: weight.toFloat32(), bias, activation } })
  }
  return layers
}

function describePrompt(prompt: string, { poolPrompt }: TransformerSettings, tokenizer: Tokenizer): Prompt {
  const tokens = prompt === '' ? 0 : tokenizer.ids(prompt).length
  return { prompt, tokens, skip: poolPrompt || tokens === 0 ? 0 : tokenizer.prefixTokens + tokens }
}
