import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'csv-parse/sync'

/** Texts, beside MedQuAD, whose licences allow training bundled weights: BANKING77 (CC BY 4.0) and the COVID FAQ (Apache-2.0). */
export async function allowedTexts(dataFolder: string): Promise<string[]> {
  const table = async (name: string, options: object): Promise<string[][]> =>
    parse(await readFile(path.join(dataFolder, name)), {
      relax_quotes: true,
      relax_column_count: true,
      from_line: 2,
      ...options,
    })
  const banking = await table('banking77/train.csv', {})
  const covid = await table('covid-faq/faq_covidbert.csv', {})
  return [...banking.map(([text = '']) => text), ...covid.map((row) => row.join(' '))]
}
