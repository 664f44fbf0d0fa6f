import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { readLabelledData, readRetrievalData } from '../../src/evaluate/index.ts'
import type { Pair } from '../../src/main.ts'
import { createRandom, shuffled } from '../../src/shared/index.ts'

/** A file or folder of the data and models kept beside the repo; ends the bench with a reason where it is absent. */
export function sharedPath(...segments: string[]): string {
  const path = fileURLToPath(new URL(`../../../shared/${segments.join('/')}`, import.meta.url))
  if (existsSync(path)) return path
  console.log(`skipped: ../shared/${segments.join('/')} is absent`)
  process.exit(0)
}

/** Texts by the name of a task: title and abstract of SciFact documents, or BANKING77's short test questions. */
export const textsOf: Record<string, () => Promise<string[]>> = {
  async scifact() {
    const lines = (await readFile(sharedPath('data', 'scifact', 'corpus.jsonl'), 'utf8')).trimEnd().split('\n')
    return lines.slice(0, 600).map((line) => {
      const { title, text } = JSON.parse(line)
      return `${title} ${text}`
    })
  },
  async banking77() {
    const rows: { text: string }[] = parse(await readFile(sharedPath('data', 'banking77', 'test.csv')), {
      columns: true,
    })
    return rows.map(({ text }) => text)
  },
}

/** SciFact as sentence-transformers is given it: title and abstract in one text, which is not cut in pieces. */
export async function wholeSciFact(split: string) {
  const { documents, ...judged } = await readRetrievalData(sharedPath('data', 'scifact'), { split })
  const texts = [...documents].map(([id, { title, text }]) => [id, title ? `${title} ${text}` : text] as const)
  return { ...judged, documents: new Map(texts) }
}

/** 4,978 pairs of BANKING77's training questions of the same intent, the same each time. */
export async function intentPairs(): Promise<Pair[]> {
  const { train } = await readLabelledData(sharedPath('data', 'banking77'))
  const random = createRandom(42)
  return [...Map.groupBy(train, ({ label }) => label).values()].flatMap((same) => {
    const texts = shuffled(same, random).map(({ text }) => text.trim())
    return Array.from({ length: Math.floor(texts.length / 2) }, (_, i) => ({
      anchor: texts[2 * i] ?? '',
      positive: texts[2 * i + 1] ?? '',
    }))
  })
}
