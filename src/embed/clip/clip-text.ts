import { z } from 'zod'
import { limit, positions } from '../folder-numbers.ts'
import type { ModelFolder } from '../model-folder.ts'
import { createTokenizer, type TokenizerSettings } from '../tokenizer.ts'
import { readTokenizerFile } from '../tokenizer-file.ts'

const configSchema = z.looseObject({
  model_type: z.string().nullish(),
  text_config: z.looseObject({ max_position_embeddings: positions, model_type: z.string().nullish() }).nullish(),
})
const token = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)])
const tokenizerConfigSchema = z.looseObject({ model_max_length: limit, pad_token: token.nullish() })
const tokenizerSchema = z.looseObject({ padding: z.looseObject({ pad_id: z.number().int().min(0) }).nullish() })

/** What CLIP reads where no file says it. */
const fallbackMaximumTokens = 77
/** Families that were trained on texts of one length, padding included. */
const paddedFamilies = /^siglip/

/** How a folder's text tower reads texts: its tokenizer, and the length that every text is padded to, where it is one. */
export async function readClipText(folder: ModelFolder) {
  const file = await readTokenizerFile(folder)
  const config = await folder.facts('config.json', configSchema)
  const tokenizerConfig = await folder.facts('tokenizer_config.json', tokenizerConfigSchema)
  const padding = (await folder.facts('tokenizer.json', tokenizerSchema))?.padding
  const known = [tokenizerConfig?.model_max_length, config?.text_config?.max_position_embeddings].filter(
    (one) => one !== undefined,
  )
  const read = {
    maximumTokens: known.length > 0 ? Math.min(...known) : fallbackMaximumTokens,
    truncationSide: 'right',
    padId: padding?.pad_id ?? 0,
    padSide: 'right',
    lowerCase: false,
  } as const satisfies TokenizerSettings
  const tokenizer = createTokenizer(file, read)
  const padToken = tokenizerConfig?.pad_token ?? undefined
  const padId = padToken === undefined ? undefined : tokenizer.idOf(padToken)
  const settings: TokenizerSettings = { ...read, padId: padId ?? read.padId }
  const padded = paddedFamilies.test(config?.model_type ?? '')
  return {
    tokenizer,
    settings,
    ...(padded ? { shortest: settings.maximumTokens } : {}),
  }
}
