import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { TransformerFiles } from '../embed/index.ts'

type Json = Readonly<Record<string, unknown>>

/** Where sentence-transformers looks first; written where it is not there. */
const sentenceFile = 'sentence_bert_config.json'
/** Where a folder says how long a text may be, and how. */
const places: Readonly<Record<string, (file: Json, maximum: number) => Json>> = {
  [sentenceFile]: (file, maximum) => ({ do_lower_case: false, ...file, max_seq_length: maximum }),
  'tokenizer_config.json': (file, maximum) => ({ ...file, model_max_length: maximum }),
  'tokenizer.json': (file, maximum) =>
    isObject(file['truncation']) ? { ...file, truncation: { ...file['truncation'], max_length: maximum } } : file,
}

/** Has an exported folder cut texts where training cut them. */
export async function limitLength(out: string, { settings }: TransformerFiles, maximumTokens: number): Promise<void> {
  const own = path.join(out, settings.transformer)
  for (const folder of new Set([out, own])) {
    for (const [name, limit] of Object.entries(places)) {
      const file = path.join(folder, name)
      const text =
        (await readFile(file, 'utf8').catch(() => undefined)) ??
        (folder === own && name === sentenceFile ? '{}' : undefined)
      if (text === undefined) continue
      const before: Json = JSON.parse(text.replace(/^\uFEFF/, ''))
      const after = limit(before, maximumTokens)
      if (after !== before) await writeFile(file, `${JSON.stringify(after, null, 2)}\n`)
    }
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}
