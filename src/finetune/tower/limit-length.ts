import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { TransformerFiles } from '../../embed/index.ts'

type Json = Readonly<Record<string, unknown>>

/** Files that say how long a text may be, under sentence-transformers' newer or older names, and how they say it. */
const places: readonly { readonly name: RegExp; readonly limit: (file: Json, maximum: number) => Json }[] = [
  { name: /^sentence_[\w-]+_config\.json$/, limit: (file, maximum) => ({ ...file, max_seq_length: maximum }) },
  { name: /^tokenizer_config\.json$/, limit: (file, maximum) => ({ ...file, model_max_length: maximum }) },
  {
    name: /^tokenizer\.json$/,
    limit: (file, maximum) =>
      isObject(file['truncation']) ? { ...file, truncation: { ...file['truncation'], max_length: maximum } } : file,
  },
]

/** Has an exported folder cut texts where training cut them. */
export async function limitLength(out: string, { settings }: TransformerFiles, maximumTokens: number): Promise<void> {
  const transformer = path.join(out, settings.transformer)
  for (const folder of new Set([out, transformer])) {
    const names = await readdir(folder)
    for (const { name, limit } of places) {
      for (const found of names.filter((one) => name.test(one))) {
        const file = path.join(folder, found)
        const before: Json = JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''))
        const after = limit(before, maximumTokens)
        if (after !== before) await write(file, after)
      }
    }
    if (folder === transformer && !names.some((one) => places[0]?.name.test(one)))
      await write(path.join(folder, 'sentence_bert_config.json'), {
        max_seq_length: maximumTokens,
        do_lower_case: false,
      })
  }
}

async function write(file: string, value: Json): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}
