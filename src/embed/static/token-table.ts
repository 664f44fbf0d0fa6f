import {
  QontrastError,
  readSafetensors,
  readSafetensorsHead,
  type StoredTensor,
  type TensorHead,
} from '../../shared/index.ts'
import type { ModelFolder } from '../model-folder.ts'

/** One vector a token, in Model2Vec's layout. */
export interface TokenTable {
  readonly dimensions: number
  readonly tokens: number
  /** Adds the vector of a token to `sum[dimensions]`. */
  addTo(sum: Float64Array, token: number): void
}

/** Names of the embedding tensor: Model2Vec's own and that of sentence-transformers' StaticEmbedding. */
const embeddingNames = ['embeddings', 'embedding.weight']

/** Where a folder keeps its table, in this order. */
export const tableFiles = ['model.safetensors', '0_StaticEmbedding/model.safetensors']

/** Whether a folder has a table; only the heads of its files are read. */
export async function hasTable(folder: ModelFolder): Promise<boolean> {
  for (const name of tableFiles) {
    const file = await folder.open(name)
    const head = file === undefined ? new Map<string, TensorHead>() : await readSafetensorsHead(file)
    if (embeddingNames.some((tensor) => head.get(tensor)?.shape.length === 2)) return true
  }
  return false
}

/**
 * Reads a table from a safetensors file: rows in fp32, fp16 or int8, an optional `weights[tokens]` that scales each token, and an optional
 * `mapping[tokens]` from tokens to rows (vocabulary quantization). Undefined where the file holds no such table.
 */
export async function readTokenTable(file: string): Promise<TokenTable | undefined> {
  const tensors = await readSafetensors(file)
  const stored = embeddingNames.map((name) => tensors.get(name)).find((tensor) => tensor !== undefined)
  const [rows, dimensions] = stored?.shape ?? []
  if (!stored || rows === undefined || dimensions === undefined) return undefined
  const weights = tensors.get('weights')?.toFloat32()
  const mapping = tensors.get('mapping')?.toFloat32()
  const tokens = mapping?.length ?? rows
  const stray = mapping?.find((row) => !(row >= 0 && row < rows))
  if (stray !== undefined || (weights && weights.length !== tokens)) {
    throw new QontrastError('model-invalid', `${file}: weights and mapping do not fit a table of ${rows} rows.`)
  }
  const values = rowValues(stored)

  return {
    dimensions,
    tokens,
    addTo(sum, token) {
      const weight = weights ? weights[token]! : 1
      const base = (mapping ? mapping[token]! : token) * dimensions
      for (let i = 0; i < dimensions; i++) sum[i]! += weight * values[base + i]!
    },
  }
}

/** int8 rows stay as they are: converting them costs more at start than it saves later. */
function rowValues(stored: StoredTensor): Int8Array | Float32Array {
  const { dtype, bytes } = stored
  if (dtype === 'I8') return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  return stored.toFloat32()
}
