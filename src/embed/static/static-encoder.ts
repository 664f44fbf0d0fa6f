import path from 'node:path'
import { z } from 'zod'
import { createMatrix, createPace, QontrastError, throwIfAborted } from '../../shared/index.ts'
import { checkEncodeOptions, checkTexts } from '../check-texts.ts'
import type { EncodeOptions, Encoder } from '../encoder.ts'
import { fingerprintOf } from '../fingerprint.ts'
import type { ModelFolder } from '../model-folder.ts'
import { createTokenizer } from '../tokenizer.ts'
import { readTokenTable, type TokenTable } from './token-table.ts'

export interface StaticOptions {
  readonly name: string
  readonly dimensions: number | undefined
  readonly cacheDir: string
}

const weightFiles = ['model.safetensors', '0_StaticEmbedding/model.safetensors']
const configSchema = z.looseObject({
  max_length: z.number().int().positive().nullish(),
  search_mode: z.enum(['dense', 'bm25', 'hybrid']).nullish(),
  chunk_tokens: z.number().int().positive().nullish(),
})
const tokenizerSchema = z.looseObject({
  model: z.looseObject({ unk_token: z.string().nullish(), unk_id: z.number().nullish() }),
})
/** Model2Vec reads this many tokens of a text unless its configuration says otherwise. */
const defaultMaximumTokens = 512

/**
 * Opens a token-embedding model (Model2Vec's layout, or sentence-transformers' StaticEmbedding): a text is the mean of its tokens' vectors.
 * Runs in this process, without ONNX Runtime. A text without a known token gets the first unit vector. Undefined where the folder is no such model.
 */
export async function loadStaticEncoder(folder: ModelFolder, options: StaticOptions): Promise<Encoder | undefined> {
  const weights = await folder.findFirst(weightFiles)
  const table = weights && (await readTokenTable(weights))
  return table ? createStaticEncoder(folder, weights, table, options) : undefined
}

async function createStaticEncoder(
  folder: ModelFolder,
  weights: string,
  table: TokenTable,
  options: StaticOptions,
): Promise<Encoder> {
  const module = path.relative(folder.root, path.dirname(weights))
  const inModule = (name: string) => path.join(module, name)
  const files = await folder.json(inModule('tokenizer.json'), tokenizerSchema)
  if (!files) throw new QontrastError('model-invalid', `${path.join(folder.root, module)} has no tokenizer.json.`)
  const config = await folder.json('config.json', configSchema)
  const maximumTokens = config?.max_length ?? defaultMaximumTokens
  const tokenizer = createTokenizer({ tokenizer: files, config: {} }, { maximumTokens, padId: 0, padSide: 'right' })
  const unknown = files.model.unk_id ?? (files.model.unk_token ? tokenizer.idOf(files.model.unk_token) : undefined)
  const dimensions = checkDimensions(options.dimensions, table)
  const longest = maximumTokens * medianTokenLength(tokenizer.vocabulary())
  const fingerprint = await fingerprintOf(folder, {
    files: [weights],
    cacheDir: options.cacheDir,
    facts: { kind: 'static', dimensions, maximumTokens },
  })
  let closed = false
  const close = async () => {
    closed = true
  }

  return {
    name: options.name,
    dimensions,
    modalities: ['text'],
    fingerprint,
    ...(config?.search_mode ? { searchMode: config.search_mode } : {}),
    ...(config?.chunk_tokens ? { chunkTokens: config.chunk_tokens } : {}),
    maximumTokens,
    countTokens: (text) => tokenizer.ids(text).length,
    encode,
    close,
    [Symbol.asyncDispose]: close,
  }

  async function encode(texts: readonly string[], options: EncodeOptions = {}) {
    checkTexts(texts)
    checkEncodeOptions(options)
    const { signal, onProgress } = options
    if (closed) throw new QontrastError('closed', 'The encoder was closed.')
    const matrix = createMatrix(texts.length, dimensions)
    const sum = new Float64Array(table.dimensions)
    const pace = createPace()
    for (const [i, text] of texts.entries()) {
      throwIfAborted(signal)
      sum.fill(0)
      for (const id of tokenizer.ids(text.slice(0, longest), maximumTokens)) {
        if (id !== unknown && id < table.tokens) table.addTo(sum, id)
      }
      writeUnit(sum, matrix.row(i))
      onProgress?.({ done: i + 1, total: texts.length })
      await pace()
    }
    return matrix
  }
}

/** The mean and the sum point the same way: only the direction is kept. */
function writeUnit(sum: Float64Array, out: Float32Array): void {
  let squares = 0
  for (let i = 0; i < out.length; i++) squares += sum[i]! * sum[i]!
  if (squares === 0) {
    out[0] = 1
    return
  }
  const scale = 1 / Math.sqrt(squares)
  for (let i = 0; i < out.length; i++) out[i] = sum[i]! * scale
}

function checkDimensions(asked: number | undefined, table: TokenTable): number {
  const dimensions = asked ?? table.dimensions
  if (dimensions <= table.dimensions) return dimensions
  throw new QontrastError(
    'invalid-option',
    `dimensions must be a whole number from 1 to ${table.dimensions}, this model's own; got ${asked}.`,
  )
}

/** Model2Vec cuts a text at its maximum tokens times this before tokenizing (`median_token_length` in its source). */
function medianTokenLength(vocabulary: ReadonlyMap<string, number>): number {
  const lengths = [...vocabulary.keys()].map((token) => token.length).sort((a, b) => a - b)
  const middle = lengths.length / 2
  return Math.trunc((lengths[Math.ceil(middle) - 1]! + lengths[Math.floor(middle)]!) / 2)
}
