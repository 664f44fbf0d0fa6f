/**
 * Makes models/default from a MiniLM folder: each token of its vocabulary through the encoder, PCA, frequency weights, a fit to the encoder's
 * vectors of real texts, int8 rows.
 *
 *     npm run distill -- ../shared/models/all-minilm-l6-v2 ../shared/data
 *
 * The texts are those whose licences allow it (models/default/README.md names them). Everything is seeded; the teacher's vectors may differ in the last bits between machines.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createInference } from '../src/embed/graph-encoder/inference.ts'
import { createTokenizer } from '../src/embed/tokenizer.ts'
import { collateTexts } from '../src/embed/transformer/text-feeds.ts'
import { loadEncoder } from '../src/main.ts'
import { openSession } from '../src/runtime/index.ts'
import { normalizeInPlace, writeSafetensors } from '../src/shared/index.ts'
import { allowedTexts } from './support/allowed-texts.ts'
import { fitTokens } from './support/fit-tokens.ts'
import { mainDirections, project } from './support/principal-components.ts'

const dimensions = 256
/** Smoothing constant of smooth inverse frequency (Arora, Liang and Ma, ICLR 2017): weight = a / (a + p). */
const smoothing = 1e-3
/** Tokens that the texts never show count as if seen this often. */
const unseenCount = 0.5
const batchSize = 256
const fit = { epochs: 6, learningRate: 0.02, seed: 1 }

const [modelFolder = '../shared/models/all-minilm-l6-v2', dataFolder = '../shared/data'] = process.argv.slice(2)
const output = fileURLToPath(new URL('../models/default/', import.meta.url))
const json = async (name: string) => JSON.parse(await readFile(path.join(modelFolder, name), 'utf8'))

const tokenizerJson = await json('tokenizer.json')
const tokenizer = createTokenizer(tokenizerJson, {
  maximumTokens: 512,
  truncationSide: 'right',
  padId: 0,
  padSide: 'right',
  lowerCase: false,
})
const kept = keptTokens()
const rowOf = new Map(kept.map(({ id }, row) => [id, row]))
console.log(`${kept.length} of ${tokenizer.vocabulary().size} tokens kept`)

const texts = await allowedTexts(dataFolder)
console.log(`${texts.length} texts: the teacher reads them`)
const teacherVectors = await teach(texts)
const tokenizedTexts = texts.map((text) => tokenizer.ids(text, 512).flatMap((id) => rowOf.get(id) ?? []))

const directions = mainDirections(teacherVectors, dimensions)
const weights = sifWeights(tokenizedTexts)
const tokenVectors = project(centred(await embedTokens(kept.map(({ id }) => id))), directions)
const rows = tokenVectors.map((vector, row) => vector.map((value) => value * weights[row]!))
fitTokens({
  rows,
  texts: tokenizedTexts,
  targets: project(teacherVectors, directions).map(unit),
  ...fit,
  onEpoch: (epoch, cosine) => console.log(`fit, epoch ${epoch}: mean cosine with the teacher ${cosine.toFixed(4)}`),
})
await writeModel(rows)

/** Everything but unused slots and special tokens; [UNK] and [PAD] keep their places for the tokenizer. */
function keptTokens(): { token: string; id: number }[] {
  return [...tokenizer.vocabulary()]
    .map(([token, id]) => ({ token, id }))
    .filter(({ token }) => !/^\[unused\d+\]$/.test(token) && !['[CLS]', '[SEP]', '[MASK]'].includes(token))
    .sort((a, b) => a.id - b.id)
}

async function teach(texts: readonly string[]): Promise<Float64Array[]> {
  await using teacher = await loadEncoder(modelFolder, { device: 'cpu' })
  const vectors = await teacher.encode(texts)
  return texts.map((_, i) => Float64Array.from(vectors.row(i)))
}

/** `[tokens][384]`: a token between the special tokens, mean-pooled. */
async function embedTokens(ids: readonly number[]): Promise<Float64Array[]> {
  const opened = await openSession(path.join(modelFolder, 'onnx/model.onnx'), { device: 'cpu', threads: 2 })
  const [prefix = 0, , suffix = 0] = tokenizer.encode('a')
  const inputs = new Map(opened.session.inputNames.map((name) => [name, 'int64' as const]))
  const feedsOf = (batch: readonly number[]) => {
    const items = batch.map((id) => ({ ids: [prefix, id, suffix], skip: 0, cut: false }))
    return collateTexts(items, { inputs, pooling: ['mean'], padId: 0, padSide: 'right' })
  }
  const plan = { output: 'last_hidden_state', head: { pooling: ['mean'], layers: [] } } as const
  const run = await createInference(opened, plan, feedsOf(ids.slice(0, 1)))
  const vectors: Float64Array[] = []
  for (let start = 0; start < ids.length; start += batchSize) {
    const batch = ids.slice(start, start + batchSize)
    const flat = await run(feedsOf(batch))
    const width = flat.length / batch.length
    batch.forEach((_, i) => vectors.push(Float64Array.from(normalizeInPlace(flat.slice(i * width, (i + 1) * width)))))
  }
  return vectors
}

/** One weight a row: rare tokens near 1, frequent ones near 0. */
function sifWeights(texts: readonly (readonly number[])[]): Float64Array {
  const counts = new Float64Array(kept.length).fill(unseenCount)
  for (const text of texts) for (const row of text) counts[row]! += 1
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => smoothing / (smoothing + count / total))
}

function centred(vectors: readonly Float64Array[]): Float64Array[] {
  const mean = new Float64Array(vectors[0]?.length ?? 0)
  for (const vector of vectors) vector.forEach((value, i) => (mean[i]! += value / vectors.length))
  return vectors.map((vector) => vector.map((value, i) => value - mean[i]!))
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

/** Rows as int8; the weight of a token is the scale of its row. The vocabulary is renumbered to the tokens kept. */
async function writeModel(rows: readonly Float64Array[]): Promise<void> {
  const values = new Int8Array(rows.length * dimensions)
  const scales = new Float32Array(rows.length)
  rows.forEach((row, token) => {
    const largest = Math.max(...row.map(Math.abs), 1e-12)
    row.forEach((value, i) => (values[token * dimensions + i] = Math.round((value / largest) * 127)))
    scales[token] = largest / 127
  })
  await mkdir(output, { recursive: true })
  await writeSafetensors(path.join(output, 'model.safetensors'), [
    { name: 'embeddings', dtype: 'I8', shape: [rows.length, dimensions], values },
    { name: 'weights', dtype: 'F32', shape: [rows.length], values: scales },
  ])
  const vocab = Object.fromEntries(kept.map(({ token }, row) => [token, row]))
  const lean = {
    ...tokenizerJson,
    truncation: null,
    padding: null,
    post_processor: null,
    added_tokens: tokenizerJson.added_tokens.flatMap((token: { content: string }) => {
      const id = vocab[token.content]
      return id === undefined ? [] : [{ ...token, id }]
    }),
    model: { ...tokenizerJson.model, vocab },
  }
  await writeFile(path.join(output, 'tokenizer.json'), JSON.stringify(lean))
  const config = {
    model_type: 'model2vec',
    architectures: ['StaticModel'],
    tokenizer_name: 'sentence-transformers/all-MiniLM-L6-v2',
    apply_pca: dimensions,
    sif_coefficient: smoothing,
    hidden_dim: dimensions,
    normalize: true,
    search_mode: 'hybrid',
    chunk_tokens: 96,
  }
  await writeFile(path.join(output, 'config.json'), `${JSON.stringify(config, null, 2)}\n`)
}
