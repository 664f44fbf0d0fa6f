import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'

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
