import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'csv-parse/sync'
import { readHeldOut, readMedQuad } from '../../examples/medquad.ts'
import { createRandom, shuffled } from '../../src/shared/index.ts'

const sentencesKept = 60_000
const answersKept = 4_000

/**
 * Texts whose licences allow training bundled weights: MedQuAD (CC BY 4.0) without the held-out focuses, as questions, sentences and beginnings of
 * answers; BANKING77's training questions (CC BY 4.0); the COVID FAQ (Apache-2.0).
 */
export async function allowedTexts(dataFolder: string): Promise<string[]> {
  const table = async (name: string): Promise<string[][]> =>
    parse(await readFile(path.join(dataFolder, name)), { relax_quotes: true, relax_column_count: true, from_line: 2 })
  const banking = (await table('banking77/train.csv')).map(([text = '']) => text)
  const covid = (await table('covid-faq/faq_covidbert.csv')).flatMap((row) =>
    row.filter((cell) => cell.length > 20 && !cell.startsWith('http')),
  )

  const heldOut = new Set((await readHeldOut()).focuses)
  const pairs = (await readMedQuad()).filter(({ focus }) => !heldOut.has(focus))
  const questions = new Set(pairs.map(({ question }) => question))
  const sentences = new Set(
    pairs.flatMap(({ answer }) => answer.split(/(?<=[.!?])\s+|\s-\s/).filter((sentence) => sentence.length > 20)),
  )
  const answers = new Set(pairs.map(({ focus, answer }) => `${focus}\n${answer.slice(0, 900)}`))
  const random = createRandom(3)
  const some = (texts: ReadonlySet<string>, count: number) => shuffled([...texts].sort(), random).slice(0, count)
  return [...banking, ...covid, ...questions, ...some(sentences, sentencesKept), ...some(answers, answersKept)]
}
