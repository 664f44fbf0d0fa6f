/**
 * Makes models/default from a MiniLM folder: each token of its vocabulary through the encoder, PCA, frequency weights, int8 rows.
 *
 *     npm run distill -- ../shared/models/all-minilm-l6-v2 ../shared/data
 *
 * The frequencies come from texts whose licences allow it (models/default/README.md names them). Deterministic: the same inputs give the same bytes.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { readHeldOut, readMedQuad } from '../examples/medquad.ts'
import { createTokenizer } from '../src/embed/tokenizer.ts'
import { createInference } from '../src/embed/transformer/inference.ts'
import { openSession } from '../src/runtime/index.ts'
import { allowedTexts } from './support/allowed-texts.ts'
import { writeSafetensors } from './support/write-safetensors.ts'

const dimensions = 256
/** Smoothing constant of smooth inverse frequency (Arora, Liang and Ma, ICLR 2017): weight = a / (a + p). */
const smoothing = 1e-3
/** Tokens that the texts never show count as if seen this often. */
const unseenCount = 0.5
const batchSize = 256

const [modelFolder = '../shared/models/all-minilm-l6-v2', dataFolder = '../shared/data'] = process.argv.slice(2)
const output = fileURLToPath(new URL('../models/default/', import.meta.url))
const json = async (name: string) => JSON.parse(await readFile(path.join(modelFolder, name), 'utf8'))

const tokenizerJson = await json('tokenizer.json')
const tokenizer = createTokenizer(
  { tokenizer: tokenizerJson, config: await json('tokenizer_config.json') },
  { maximumTokens: 512, padId: 0, padSide: 'right' },
)
const kept = keptTokens()
console.log(`${kept.length} of ${tokenizer.vocabulary().size} tokens kept`)

const embeddings = await embedTokens(kept.map(({ id }) => id))
const counts = await countTokens()
const rows = project(embeddings)
const weights = kept.map(({ id }) => sifWeight(counts.of(id), counts.total))
await writeModel(rows, weights)

/** Everything but unused slots and special tokens; [UNK] and [PAD] keep their places for the tokenizer. */
function keptTokens(): { token: string; id: number }[] {
  return [...tokenizer.vocabulary()]
    .map(([token, id]) => ({ token, id }))
    .filter(({ token }) => !/^\[unused\d+\]$/.test(token) && !['[CLS]', '[SEP]', '[MASK]'].includes(token))
    .sort((a, b) => a.id - b.id)
}

/** `[tokens, 384]`: a token between the special tokens, mean-pooled. */
async function embedTokens(ids: readonly number[]): Promise<Float32Array[]> {
  const opened = await openSession(path.join(modelFolder, 'onnx/model.onnx'), { device: 'cpu', threads: 2 })
  const run = createInference(opened, { padId: 0, padSide: 'right', pooling: ['mean'], dense: [] })
  const [prefix = 0, , suffix = 0] = tokenizer.encode('a')
  const vectors: Float32Array[] = []
  for (let start = 0; start < ids.length; start += batchSize) {
    const batch = ids.slice(start, start + batchSize)
    const flat = await run({
      ids: Int32Array.from(batch.flatMap((id) => [prefix, id, suffix])),
      lengths: new Int32Array(batch.length).fill(3),
      skips: new Int32Array(batch.length),
    })
    const width = flat.length / batch.length
    batch.forEach((_, i) => vectors.push(flat.slice(i * width, (i + 1) * width)))
  }
  return vectors
}

async function countTokens() {
  const heldOut = new Set((await readHeldOut()).focuses)
  const pairs = (await readMedQuad()).filter(({ focus }) => !heldOut.has(focus))
  const seen = new Map<number, number>()
  let total = 0
  for (const text of [...pairs.map(({ focus, answer }) => `${focus} ${answer}`), ...(await allowedTexts(dataFolder))]) {
    for (const id of tokenizer.ids(text)) {
      seen.set(id, (seen.get(id) ?? 0) + 1)
      total += 1
    }
  }
  return { of: (id: number) => seen.get(id) ?? unseenCount, total }
}

/** Centred and turned to the directions of largest variance: `[tokens, 256]`. */
function project(vectors: readonly Float32Array[]): Float64Array[] {
  const width = vectors[0]?.length ?? 0
  const mean = new Float64Array(width)
  for (const vector of vectors) for (let i = 0; i < width; i++) mean[i]! += vector[i]! / vectors.length
  const covariance = Matrix.zeros(width, width)
  for (const vector of vectors) {
    for (let i = 0; i < width; i++) {
      const left = vector[i]! - mean[i]!
      for (let j = i; j < width; j++) covariance.set(i, j, covariance.get(i, j) + left * (vector[j]! - mean[j]!))
    }
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) covariance.set(i, j, covariance.get(j, i))
  const { eigenvectorMatrix } = new EigenvalueDecomposition(covariance, { assumeSymmetric: true })
  return vectors.map((vector) =>
    Float64Array.from({ length: dimensions }, (_, component) => {
      const column = width - 1 - component // eigenvalues come in ascending order
      let sum = 0
      for (let i = 0; i < width; i++) sum += (vector[i]! - mean[i]!) * eigenvectorMatrix.get(i, column)
      return sum
    }),
  )
}

function sifWeight(count: number, total: number): number {
  return smoothing / (smoothing + count / total)
}

/** Rows as int8 with a scale of their own, which the weights carry; the vocabulary is renumbered to the tokens kept. */
async function writeModel(rows: readonly Float64Array[], weights: readonly number[]): Promise<void> {
  const values = new Int8Array(rows.length * dimensions)
  const scales = new Float32Array(rows.length)
  rows.forEach((row, token) => {
    const largest = Math.max(...row.map(Math.abs), 1e-12)
    row.forEach((value, i) => {
      values[token * dimensions + i] = Math.round((value / largest) * 127)
    })
    scales[token] = (largest / 127) * weights[token]!
  })
  await mkdir(output, { recursive: true })
  await writeSafetensors(path.join(output, 'model.safetensors'), [
    { name: 'embeddings', dtype: 'I8', shape: [rows.length, dimensions], values },
    { name: 'weights', dtype: 'F32', shape: [rows.length], values: scales },
  ])
  const vocab = Object.fromEntries(kept.map(({ token }, i) => [token, i]))
  const special = tokenizerJson.added_tokens.filter(({ content }: { content: string }) => content in vocab)
  const lean = {
    ...tokenizerJson,
    truncation: null,
    padding: null,
    post_processor: null,
    added_tokens: special.map((token: { content: string }) => ({ ...token, id: vocab[token.content] })),
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
  }
  await writeFile(path.join(output, 'config.json'), `${JSON.stringify(config, null, 2)}\n`)
}
