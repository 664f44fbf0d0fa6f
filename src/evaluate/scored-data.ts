import { readdir } from 'node:fs/promises'
import path from 'node:path'
import {
  answerNames,
  checkOptionKeys,
  isJudgement,
  isRowFile,
  numberedTexts,
  type OptionKeys,
  plainName,
  QontrastError,
  questionNames,
} from '../shared/index.ts'
import { fileNamed, isFolder } from './find-file.ts'
import { type FindPlaces, placesAsked, readCells } from './read-cells.ts'

export interface SimilarityData {
  readonly pairs: readonly { readonly first: string; readonly second: string; readonly score: number }[]
}
export interface LabelledData {
  readonly train: readonly Labelled[]
  readonly test: readonly Labelled[]
}
export interface Labelled {
  readonly text: string
  readonly label: string
}

export interface ReadSimilarityOptions {
  /** Columns by their names, or in a file without them by their positions counted from 1. */
  readonly columns?: { readonly first?: string; readonly second?: string; readonly score?: string }
  /** Which file of a folder: that of `test`, the default. */
  readonly split?: string
}

export interface ReadLabelledOptions {
  readonly columns?: { readonly text?: string; readonly label?: string }
  /** What the texts of `train` are compared with: `test`, the default. */
  readonly split?: string
}

const similarityKeys: OptionKeys<ReadSimilarityOptions> = { columns: true, split: true }
const labelledKeys: OptionKeys<ReadLabelledOptions> = { columns: true, split: true }
const labelledTexts = ['text', 'sentence', 'query', 'question', 'utterance', 'content']
const labelNames = ['label', 'labels', 'category', 'intent', 'class', 'target', 'labeltext', 'labelname']
const scoreNames = ['score', 'similarityscore', 'similarity', 'relatednessscore', 'label', 'relevance']

/**
 * Reads pairs of texts with a score that people gave, from a file or from the one in a folder that is named for testing. Columns are known by their
 * names; three without names are two texts and the score. `invalid-input` with the line where a score is no number.
 */
export async function readSimilarityData(place: string, options: ReadSimilarityOptions = {}): Promise<SimilarityData> {
  checkOptionKeys('readSimilarityData', options, similarityKeys)
  const { columns: { first, second, score } = {}, split = 'test' } = options
  const file = (await isFolder(place)) ? await fileOfSplit(place, split) : place
  const pairs: SimilarityData['pairs'][number][] = []
  const rows = readCells(file, {
    find: placesAsked([first, second, score], similarityPlaces),
    isUnnamed: (cells) => cells.length === 3 && Number.isFinite(numberOf(cells[2])),
    expected: 'sentence1, sentence2 and score',
    roles: 'first, second, score',
  })
  for await (const { cells, fail } of rows) {
    const [one = '', two = '', given = ''] = cells
    const value = numberOf(given)
    if (!Number.isFinite(value)) throw fail(`expected a number as score; got ${JSON.stringify(given)}.`)
    if (one.trim() === '' || two.trim() === '') throw fail('a text is empty.')
    pairs.push({ first: one, second: two, score: value })
  }
  if (new Set(pairs.map((pair) => pair.score)).size > 1) return { pairs }
  throw new QontrastError('invalid-input', `${file} has no two pairs of texts whose scores differ.`)
}

/** Reads a folder's train and test files, CSV or others: a text and its category. `invalid-input` with the line where one is empty. */
export async function readLabelledData(folder: string, options: ReadLabelledOptions = {}): Promise<LabelledData> {
  checkOptionKeys('readLabelledData', options, labelledKeys)
  const { columns: { text, label } = {}, split = 'test' } = options
  const find = placesAsked([text, label], labelledPlaces)
  const read = async (stem: string) => {
    const file = await fileNamed(folder, [stem])
    if (!file) throw new QontrastError('file-unreadable', `There is no ${path.join(folder, `${stem}.csv`)}.`)
    const labelled: Labelled[] = []
    const expected = 'text and label (or category, intent)'
    for await (const { cells, fail } of readCells(file, { find, expected, roles: 'text, label' })) {
      const [one = '', own = ''] = cells
      if (one.trim() === '' || own.trim() === '') throw fail('its text or label is empty.')
      labelled.push({ text: one, label: own.trim() })
    }
    if (labelled.length > 0) return labelled
    throw new QontrastError('invalid-input', `${file} holds no rows of ${expected}.`)
  }
  return { train: await read('train'), test: await read(split) }
}

/** Where the two texts and the score are. */
export const similarityPlaces: FindPlaces = (names) => {
  const plain = names.map(plainName)
  const [one, two] = numberedTexts(names)
  const judgement = names.findIndex(isJudgement)
  return allOf([
    one ?? placeAmong(plain, questionNames.flat()),
    two ?? placeAmong(plain, ['positive', ...answerNames]),
    placeAmong(plain, scoreNames) ?? (judgement < 0 ? undefined : judgement),
  ])
}

/** Where the text and its label are. */
export const labelledPlaces: FindPlaces = (names) => {
  const plain = names.map(plainName)
  return allOf([placeAmong(plain, labelledTexts), placeAmong(plain, labelNames)])
}

function allOf(places: readonly (number | undefined)[]): readonly number[] | undefined {
  const found = places.filter((place) => place !== undefined)
  return found.length === places.length ? found : undefined
}

function placeAmong(plain: readonly string[], known: readonly string[]): number | undefined {
  const name = known.find((one) => plain.includes(one))
  return name === undefined ? undefined : plain.indexOf(name)
}

function numberOf(text = ''): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

/** `test.csv`, `stsb-en-test.csv`, else the first one that has the split in its name. */
async function fileOfSplit(folder: string, split: string): Promise<string> {
  const usual = await fileNamed(folder, [split, `stsb-en-${split}`])
  if (usual) return usual
  const other = (await readdir(folder)).sort().find((entry) => entry.includes(split) && isRowFile(entry))
  if (other) return path.join(folder, other)
  throw new QontrastError('file-unreadable', `There is no ${path.join(folder, `${split}.csv`)}.`)
}
