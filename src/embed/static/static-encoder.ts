import path from 'node:path'
import { z } from 'zod'
import { createMatrix, createPace, QontrastError, searchModes, throwIfAborted } from '../../shared/index.ts'
import { checkEncodeOptions } from '../check-options.ts'
import type { EncodeOptions, Encoder } from '../encoder.ts'
import { fingerprintOf } from '../fingerprint.ts'
import { limit, tokenId } from '../folder-numbers.ts'
import { checkInputs, type Input, type Modality } from '../input.ts'
import { legacyStatic } from '../legacy-0.1.ts'
import type { ModelFolder } from '../model-folder.ts'
import { createTokenizer } from '../tokenizer.ts'
import { checkTableModules } from '../transformer/modules.ts'
import { factsOf, type StaticPlan, staticVersion } from './plan.ts'
import { readTokenTable, type TokenTable, tableFiles } from './token-table.ts'

export interface StaticOptions {
  readonly name: string
  readonly dimensions: number | undefined
  readonly cacheDir: string
}

const accepts: ReadonlySet<Modality> = new Set(['text'])
const configSchema = z.looseObject({
  max_length: limit,
  search_mode: z.enum(searchModes).nullish(),
  chunk_tokens: limit,
})
const tokenizerSchema = z.looseObject({
  model: z.looseObject({ unk_token: z.string().nullish(), unk_id: tokenId }),
})
/** Model2Vec reads this many tokens of a text unless its configuration says otherwise. */
const defaultMaximumTokens = 512

/**
 * Opens a token-embedding model (Model2Vec's layout, or sentence-transformers' StaticEmbedding): a text is the mean of its tokens' vectors.
 * Runs in this process, without ONNX Runtime. A text without a known token gets the zero vector, as in Model2Vec.
 */
export async function loadStaticEncoder(folder: ModelFolder, options: StaticOptions): Promise<Encoder> {
  const { weights, table } = await findTable(folder)
  await checkTableModules(folder)
  return createStaticEncoder(folder, weights, table, options)
}

async function findTable(folder: ModelFolder): Promise<{ weights: string; table: TokenTable }> {
  for (const name of tableFiles) {
    const weights = await folder.open(name)
    const table = weights && (await readTokenTable(weights))
    if (table) return { weights, table }
  }
  throw new QontrastError(
    'model-invalid',
    `${folder.root} has no table of token vectors in ${tableFiles.join(' or ')}.`,
  )
}

async function createStaticEncoder(
  folder: ModelFolder,
  weights: string,
  table: TokenTable,
  options: StaticOptions,
): Promise<Encoder> {
  const module = path.relative(folder.root, path.dirname(weights))
  const inModule = (name: string) => path.join(module, name)
  const tokenizerFile = await folder.openJson(inModule('tokenizer.json'))
  if (!tokenizerFile)
    throw new QontrastError('model-invalid', `${path.join(folder.root, module)} has no tokenizer.json.`)
  const { model } = await readFacts(folder, inModule('tokenizer.json'))
  const config = await folder.facts('config.json', configSchema)
  const maximumTokens = config?.max_length ?? defaultMaximumTokens
  const settings = { maximumTokens, truncationSide: 'right', padId: 0, padSide: 'right', lowerCase: false } as const
  const tokenizer = createTokenizer(tokenizerFile, settings)
  const plan: StaticPlan = {
    kind: 'static',
    version: staticVersion,
    dimensions: checkDimensions(options.dimensions, table),
    maximumTokens,
    longest: maximumTokens * medianTokenLength(tokenizer.vocabulary()),
    unknown: model.unk_id ?? (model.unk_token ? tokenizer.idOf(model.unk_token) : undefined),
    tokens: table.tokens,
  }
  const { dimensions } = plan
  const { cacheDir } = options
  const fingerprint = await fingerprintOf(folder, { facts: factsOf(plan), cacheDir })
  const rootTokenizer = (await folder.has('tokenizer.json')) ? path.join(folder.root, 'tokenizer.json') : undefined
  const legacy = await legacyStatic(
    { plan, tokenizer, tokenizerFile, weights, rootTokenizer },
    { root: folder.root, cacheDir },
  )
  let closed = false
  const close = async () => {
    closed = true
  }

  return {
    name: options.name,
    dimensions,
    fingerprint,
    accepts,
    text: {
      maximumTokens,
      countTokens: (text) => tokenizer.ids(text).length,
      ...(config?.search_mode ? { searchMode: config.search_mode } : {}),
      ...(config?.chunk_tokens ? { chunkTokens: config.chunk_tokens } : {}),
    },
    legacy,
    device: 'cpu',
    encode,
    close,
    [Symbol.asyncDispose]: close,
  }

  async function encode(inputs: readonly Input[], options: EncodeOptions = {}) {
    checkInputs(inputs, accepts)
    checkEncodeOptions(options)
    const texts = inputs.filter((input) => typeof input === 'string')
    const { signal, onProgress } = options
    if (closed) throw new QontrastError('closed', 'The encoder was closed.')
    const matrix = createMatrix(texts.length, dimensions)
    const sum = new Float64Array(table.dimensions)
    const pace = createPace()
    for (const [i, text] of texts.entries()) {
      throwIfAborted(signal)
      sum.fill(0)
      for (const id of tokenizer.ids(text.slice(0, plan.longest), maximumTokens)) {
        if (id !== plan.unknown && id < plan.tokens) table.addTo(sum, id)
      }
      writeUnit(sum, matrix.row(i))
      onProgress?.({ done: i + 1, total: texts.length })
      await pace()
    }
    return matrix
  }
}

async function readFacts(folder: ModelFolder, name: string): Promise<z.infer<typeof tokenizerSchema>> {
  return (await folder.facts(name, tokenizerSchema)) ?? { model: {} }
}

/** The mean and the sum point the same way: only the direction is kept, and zeros stay zeros. */
function writeUnit(sum: Float64Array, out: Float32Array): void {
  let squares = 0
  for (let i = 0; i < out.length; i++) squares += sum[i]! * sum[i]!
  if (squares === 0) return
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
