import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { QontrastError } from '../../shared/index.ts'
import type { ModelFolder } from '../model-folder.ts'
import { type OnnxOutline, type OnnxValue, readOnnxOutline } from './onnx-outline.ts'
import type { ModelOutput } from './outputs.ts'
import { isTextInput, type TextInputs } from './text-feeds.ts'

/** Number format of the weights; each is a file of its own, named as transformers.js names them. */
export const dtypes = ['fp32', 'fp16', 'q8', 'int8', 'uint8', 'q4', 'q4f16', 'bnb4'] as const
export type Dtype = (typeof dtypes)[number]

const suffixes: Record<Dtype, string> = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
}

export interface ModelFile {
  readonly path: string
  /** Files that hold its weights: the name it gives them, and their absolute paths. */
  readonly externalData: ReadonlyMap<string, string>
  /** Those of its inputs that texts are given by. */
  readonly inputs: TextInputs
  readonly outputs: readonly ModelOutput[]
}

/** ONNX's number for int32. */
const int32 = 6

/** Where the ONNX file of a dtype may be, relative to the model folder, in order of preference. */
export function modelFileNames(dtype: Dtype, stem = 'model'): readonly string[] {
  const file = `${stem}${suffixes[dtype]}.onnx`
  return [`onnx/${file}`, file]
}

/** Finds the ONNX file of the dtype asked for; `model-not-found` says what was looked for and what is there. */
export async function findModelFile(folder: ModelFolder, dtype: Dtype): Promise<ModelFile> {
  const names = modelFileNames(dtype)
  const found = await lookAtOnnx(folder, names)
  if (!found) throw await missing(folder, dtype, names)
  if (takesImages(found.inputs)) throw imageModel(found.path)
  const externalData = await openOnnx(folder, found)
  return { path: found.path, externalData, inputs: textInputsOf(found.inputs), outputs: found.outputs }
}

/** An ONNX file of a folder, and what it says of itself. */
export interface OnnxFile extends OnnxOutline {
  /** Relative to the folder. */
  readonly name: string
  readonly path: string
}

/** The first of these ONNX files that a folder has; it is looked into, not opened. */
export async function lookAtOnnx(folder: ModelFolder, names: readonly string[]): Promise<OnnxFile | undefined> {
  for (const name of names) {
    if (!(await folder.has(name))) continue
    const file = path.join(folder.root, name)
    return { name, path: file, ...readOnnxOutline(file) }
  }
  return undefined
}

/**
 * Opens an ONNX file with the files that it keeps weights in: the name it gives them, and their absolute paths. `model-invalid` where one
 * is missing or outside of the folder.
 */
export async function openOnnx(
  folder: ModelFolder,
  { name, external }: OnnxFile,
): Promise<ReadonlyMap<string, string>> {
  await folder.open(name)
  const externalData = new Map<string, string>()
  for (const location of external) {
    const file = await folder.open(path.posix.join(path.posix.dirname(name), location))
    if (!file) {
      throw new QontrastError(
        'model-invalid',
        `${path.join(folder.root, name)} keeps weights in '${location}', which is not beside it: copy that file into its folder.`,
      )
    }
    externalData.set(location, file)
  }
  return externalData
}

/** Those of a file's inputs that texts are given by. */
export function textInputsOf(inputs: readonly OnnxValue[]): TextInputs {
  return new Map(
    inputs.flatMap(({ name, elementType }) =>
      isTextInput(name) ? [[name, elementType === int32 ? 'int32' : 'int64'] as const] : [],
    ),
  )
}

/** Of a repository's files, the ONNX file of a dtype and the files beside it that hold its weights. */
export function weightsIn(names: readonly string[], dtype: Dtype, stem?: string): readonly string[] {
  const onnx = modelFileNames(dtype, stem).find((file) => names.includes(file))
  return onnx === undefined ? [] : names.filter((name) => name === onnx || name.startsWith(`${onnx}_data`))
}

/** The ONNX files that a folder has, relative to it. */
export async function listModelFiles(folder: ModelFolder): Promise<string[]> {
  const files = await Promise.all(
    ['onnx', '.'].map(async (name) => {
      const entries = await readdir(path.join(folder.root, name)).catch(() => [])
      return entries.filter((entry) => entry.endsWith('.onnx')).map((entry) => path.posix.join(name, entry))
    }),
  )
  return files.flat()
}

/** The input for pictures, where there is one: they come as batch, channels, height and width; texts never have four dimensions. */
export function pixelInput(inputs: readonly OnnxValue[]): OnnxValue | undefined {
  return inputs.find(({ rank }) => rank === 4)
}

function takesImages(inputs: readonly OnnxValue[]): boolean {
  return !inputs.some(({ name }) => isTextInput(name)) && pixelInput(inputs) !== undefined
}

function imageModel(file: string): QontrastError {
  return new QontrastError(
    'model-invalid',
    `${file} is an image model: it takes pictures. Open it by its file, loadEncoder('${file}', { pictures: { size, mean, deviation } }); what is trained reads texts.`,
  )
}

async function missing(folder: ModelFolder, dtype: Dtype, names: readonly string[]): Promise<QontrastError> {
  const present = await listModelFiles(folder)
  const lookedFor = `${folder.root} has no ${names.join(' and no ')} (dtype '${dtype}').`
  const image = present.find((name) => takesImages(readOnnxOutline(path.join(folder.root, name)).inputs))
  if (image !== undefined) return imageModel(path.join(folder.root, image))
  if (present.length > 0) {
    const known = present.some((name) => dtypes.some((one) => modelFileNames(one).includes(path.posix.normalize(name))))
    const advice = known ? 'ask for that dtype' : `rename the one to be loaded to ${names[0]}`
    return new QontrastError('model-not-found', `${lookedFor} It has ${present.join(', ')}: ${advice}.`)
  }
  return new QontrastError(
    'model-not-found',
    `${lookedFor} Export the model once with Python:\n` +
      '  pip install "sentence-transformers[onnx]"\n' +
      `  python -c "from sentence_transformers import SentenceTransformer as S; S('${folder.root}', backend='onnx').save_pretrained('${folder.root}')"`,
  )
}
