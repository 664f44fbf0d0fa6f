import { QontrastError } from '../../shared/index.ts'
import { type ModelFolder, openModelFolder } from '../model-folder.ts'
import { type Dtype, findModelFile } from '../transformer/model-file.ts'
import { clipKind } from './clip.ts'
import { imageKind } from './image.ts'
import type { EncoderKind, KindOptions } from './kind.ts'
import { staticKind } from './static.ts'
import { transformerKind } from './transformer.ts'

/** Asked in this order: the first that recognises a folder loads it. */
export const kinds: readonly EncoderKind[] = [staticKind, clipKind, imageKind, transformerKind]

/** The kind of a folder; `model-not-found` for a folder of none says what was looked for. */
export async function kindOf(folder: ModelFolder, asked: Pick<KindOptions, 'dtype' | 'file'>): Promise<EncoderKind> {
  const looked = await openModelFolder(folder.root, folder.boundary)
  if (asked.file !== undefined) return imageKindOf(looked, { ...asked, file: asked.file })
  for (const kind of kinds) if (await kind.recognises(looked, asked)) return kind
  await findModelFile(looked, asked.dtype) // rejects: there is none
  return transformerKind
}

/** A file that is named by itself has nothing beside it that says how texts are read: it takes pictures, or is refused. */
async function imageKindOf(
  folder: ModelFolder,
  asked: Pick<KindOptions, 'dtype'> & { readonly file: string },
): Promise<EncoderKind> {
  if (await imageKind.recognises(folder, asked)) return imageKind
  throw new QontrastError(
    'model-invalid',
    `${asked.file} does not take pictures, and them alone, which are what a model is opened by its file for. Open its folder: loadEncoder('${folder.root}').`,
  )
}

/** The weights among a repository's files, as the first kind that finds its own says. */
export function weightsAmong(names: readonly string[], dtype: Dtype): readonly string[] {
  return kinds.map((kind) => kind.weights(names, dtype)).find((found) => found.length > 0) ?? []
}
