import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Document } from '../../src/main.ts'
import { createRandom, normalizeInPlace } from '../../src/shared/index.ts'

const words = 400
const half = 12

export interface Models {
  /** Folders of two static models of one size whose vectors are orthogonal: cosines between the two are 0. */
  readonly left: string
  readonly right: string
}

/** Writes two models that know the words `w0` to `w399`. A vector tells by its half which one made it. */
export async function writeModels(folder: string): Promise<Models> {
  const models = { left: path.join(folder, 'left'), right: path.join(folder, 'right') }
  await writeModel(models.left, { seed: 3, offset: 0, chunkTokens: 8 })
  await writeModel(models.right, { seed: 4, offset: half, chunkTokens: 6 })
  return models
}

/** Documents of 5 words, some of 30: short ones are their own best query, at a cosine of 1. */
export function wordDocument(i: number, version = 0): Document & { readonly text: string } {
  const random = createRandom(i * 31 + version + 1)
  const length = i % 10 === 7 ? 30 : 5
  const text = Array.from({ length }, () => `w${Math.floor(random() * words)}`).join(' ')
  return { id: `d${i}`, text, payload: { version } }
}

async function writeModel(
  folder: string,
  { seed, offset, chunkTokens }: { seed: number; offset: number; chunkTokens: number },
): Promise<void> {
  const random = createRandom(seed)
  const values = new Float32Array(words * 2 * half)
  for (let word = 0; word < words; word++) {
    const vector = normalizeInPlace(Float32Array.from({ length: half }, () => random() - 0.5))
    values.set(vector, word * 2 * half + offset)
  }
  const header = JSON.stringify({
    embeddings: { dtype: 'F32', shape: [words, 2 * half], data_offsets: [0, values.byteLength] },
  }).padEnd(128)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(128n)
  await mkdir(folder, { recursive: true })
  await writeFile(
    path.join(folder, 'model.safetensors'),
    Buffer.concat([length, Buffer.from(header), Buffer.from(values.buffer)]),
  )
  const vocab = Object.fromEntries(Array.from({ length: words }, (_, i) => [`w${i}`, i]))
  const tokenizer = {
    model: { type: 'WordLevel', vocab: { ...vocab, '[UNK]': words }, unk_token: '[UNK]' },
    pre_tokenizer: { type: 'Whitespace' },
    normalizer: null,
    post_processor: null,
    decoder: null,
    added_tokens: [],
  }
  await writeFile(path.join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(path.join(folder, 'config.json'), JSON.stringify({ search_mode: 'dense', chunk_tokens: chunkTokens }))
}
