import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { temporaryFolder } from './temporary.ts'

/** What transformers gives for a tiny model of a family (tools/image_zoo_fixtures.py). */
export interface ImageGolden {
  readonly pictures: readonly string[]
  readonly vectors: readonly (readonly number[])[]
  /** Of families that read texts too. */
  readonly texts?: readonly string[]
  readonly textVectors?: readonly (readonly number[])[]
}

const zoo = fileURLToPath(new URL('../fixtures/image-zoo/', import.meta.url))
const pictures = fileURLToPath(new URL('../fixtures/pictures/', import.meta.url))

export const imageFamilies = readdirSync(zoo)

export function imageGolden(family: string): ImageGolden {
  return JSON.parse(readFileSync(path.join(zoo, family, 'golden.json'), 'utf8'))
}

export const picturePath = (name: string) => path.join(pictures, name)

/** A folder of a family's model with these of its ONNX files, in `onnx/` as transformers.js has them, or beside the rest. */
export async function imageZooFolder(
  family: string,
  { files = ['model'], inner = false }: { readonly files?: readonly string[]; readonly inner?: boolean } = {},
): Promise<string> {
  const folder = path.join(await temporaryFolder(), family)
  await mkdir(path.join(folder, 'onnx'), { recursive: true })
  for (const name of readdirSync(path.join(zoo, family))) {
    if (name.endsWith('.json') && name !== 'golden.json')
      await writeFile(path.join(folder, name), await readFile(path.join(zoo, family, name)))
  }
  for (const name of files) {
    const packed = await readFile(path.join(zoo, family, `${name}.onnx.gz`))
    await writeFile(path.join(folder, inner ? 'onnx' : '', `${name}.onnx`), gunzipSync(packed))
  }
  return folder
}
