import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { parseModel } from '../../src/graph/index.ts'
import { temporaryFolder } from './temporary.ts'

/** What PyTorch gives for a tiny model of a family (tools/zoo_fixtures.py). */
export interface Golden {
  readonly kind: 'encoder' | 'decoder'
  readonly texts: string[]
  readonly vectors: number[][]
  readonly pairs: [string, string][]
  readonly loss: number
  readonly gradients: Record<string, { shape: number[]; norm: number; products: number[]; used: boolean }>
  /** Exporter → initializer of its ONNX file → parameter of PyTorch, with `T ` in front where it is transposed. */
  readonly initializers: Record<string, Record<string, string>>
}

const zoo = fileURLToPath(new URL('../fixtures/zoo/', import.meta.url))

export const exporters = ['tracing', 'dynamo'] as const
export type Exporter = (typeof exporters)[number]

export const families = readdirSync(zoo, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

/** Every family with every exporter that it was exported by. */
export const specimens = families.flatMap((family) =>
  exporters
    .filter((exporter) => existsSync(path.join(zoo, family, `${exporter}.onnx.gz`)))
    .map((exporter) => [family, exporter] as const),
)

export function goldenOf(family: string): Golden {
  return JSON.parse(readFileSync(path.join(zoo, family, 'golden.json'), 'utf8'))
}

/** A folder as sentence-transformers keeps it, of a family's model from an exporter: encoders are averaged, of decoders the last token is taken. */
export async function zooFolder(family: string, exporter: Exporter): Promise<string> {
  const { kind } = goldenOf(family)
  const folder = path.join(await temporaryFolder(), `${family}-${exporter}`)
  await mkdir(path.join(folder, 'onnx'), { recursive: true })
  await mkdir(path.join(folder, '1_Pooling'))
  await cp(path.join(zoo, family, 'config.json'), path.join(folder, 'config.json'))
  await cp(path.join(zoo, `${kind}.json`), path.join(folder, 'tokenizer.json'))
  const onnx = gunzipSync(await readFile(path.join(zoo, family, `${exporter}.onnx.gz`)))
  await writeFile(path.join(folder, 'onnx', 'model.onnx'), onnx)
  const write = (name: string, value: object) => writeFile(path.join(folder, name), JSON.stringify(value))
  const decoder = kind === 'decoder'
  await write('tokenizer_config.json', { model_max_length: 38, padding_side: decoder ? 'left' : 'right' })
  await write('1_Pooling/config.json', { embedding_dimension: 16, pooling_mode: decoder ? 'lasttoken' : 'mean' })
  const modules = ['Transformer', 'Pooling'].map((kind, i) => ({
    idx: i,
    name: `${i}`,
    path: i ? `1_${kind}` : '',
    type: `sentence_transformers.models.${kind}`,
  }))
  await writeFile(path.join(folder, 'modules.json'), JSON.stringify(modules))
  return folder
}

/** The bytes of each weight of an ONNX file. */
export function readWeights(file: Buffer): Map<string, Buffer> {
  const { graph } = parseModel(new Uint8Array(file))
  return new Map([...graph.initializers].map(([name, { bytes }]) => [name, Buffer.from(bytes)]))
}
