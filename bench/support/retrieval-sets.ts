import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'csv-parse/sync'
import { medQuadTask } from '../../examples/medquad.ts'
import type { Document } from '../../src/main.ts'
import { sharedPath } from './data.ts'

/** Documents, queries, and which documents are right for which query. */
export interface RetrievalSet {
  readonly documents: readonly Document[]
  readonly queries: readonly { readonly id: string; readonly text: string }[]
  readonly relevant: ReadonlyMap<string, ReadonlyMap<string, number>>
}

type Table = Record<string, string>[]

/** What search is measured on, by name. */
export const retrievalSets: Readonly<Record<string, () => Promise<RetrievalSet>>> = {
  /** 1,000 questions, 16,407 answers, as in the demo. */
  medquad: () => medQuadTask(),
  /** 300 claims, 5,183 abstracts with their titles. */
  scifact: async () => {
    const relevant = await judgements('test')
    return {
      documents: await abstracts(),
      queries: (await jsonLines('queries.jsonl')).flatMap(({ _id, text }) =>
        relevant.has(_id) ? [{ id: _id, text }] : [],
      ),
      relevant,
    }
  },
  /** English questions about COVID-19 on the answers of all; right are those given to the same question. */
  'covid-faq': async () => {
    const rows = [...(await faq('faq_200327.tsv', '\t')), ...(await faq('faq_covidbert.csv', ','))].filter(
      ({ lang }) => lang === 'en',
    )
    const answers = [...new Set(rows.map(({ answer = '' }) => answer.trim()))].filter((answer) => answer !== '')
    const idOf = new Map(answers.map((text, i) => [text, `a${i}`]))
    const byQuestion = Map.groupBy(rows, ({ question = '' }) => question.trim())
    const relevant = new Map(
      [...byQuestion].map(([question, same]) => [
        question,
        new Map(same.flatMap(({ answer = '' }) => idOf.get(answer.trim()) ?? []).map((id) => [id, 1])),
      ]),
    )
    return {
      documents: answers.map((text) => ({ id: idOf.get(text) ?? '', text })),
      queries: [...byQuestion.keys()].map((text) => ({ id: text, text })),
      relevant,
    }
  },
  /**
   * Long queries about the same matter: the abstract (without its title) of a document that a claim cites together with others; right are
   * these others. The document itself stays in the index, and is left out of what was found.
   */
  'scifact-cocited': async () => {
    const cited = new Map<string, Map<string, number>>()
    for (const split of ['train', 'test']) {
      for (const together of (await judgements(split)).values()) {
        for (const id of together.keys()) {
          const others = [...together.keys()].filter((other) => other !== id)
          if (others.length === 0) continue
          const known = cited.get(id) ?? new Map<string, number>()
          for (const other of others) known.set(other, 1)
          cited.set(id, known)
        }
      }
    }
    const documents = await abstracts()
    return {
      documents,
      queries: documents.flatMap(({ id, text }) => (cited.has(id) ? [{ id, text }] : [])),
      relevant: cited,
    }
  },
  /** Long queries about a known item: the first half of an abstract's sentences; right is the document that has the other half, without its title. */
  'scifact-halves': async () => {
    const split = (await abstracts()).map(({ id, title, text }) => {
      const sentences = text.split(/(?<=[.?!])\s+(?=[A-Z0-9])/)
      const middle = Math.ceil(sentences.length / 2)
      return { id, title, first: sentences.slice(0, middle).join(' '), second: sentences.slice(middle).join(' ') }
    })
    const usable = split.filter(({ second }) => second.length > 200)
    const queries = usable.filter((_, i) => i % 10 === 0).map(({ id, first }) => ({ id, text: first }))
    return {
      documents: usable.map(({ id, second }) => ({ id, text: second })),
      queries,
      relevant: new Map(queries.map(({ id }) => [id, new Map([[id, 1]])])),
    }
  },
}

/** Queries of this set are documents of the index too, and do not count as found. */
export const findsItself = (set: string): boolean => set === 'scifact-cocited'

async function jsonLines(file: string): Promise<{ _id: string; title?: string; text: string }[]> {
  const lines = (await readFile(path.join(sharedPath('data', 'scifact'), file), 'utf8')).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line))
}

async function abstracts() {
  return (await jsonLines('corpus.jsonl')).map(({ _id, title = '', text }) => ({ id: _id, title, text }))
}

async function judgements(split: string): Promise<Map<string, Map<string, number>>> {
  const file = path.join(sharedPath('data', 'scifact'), 'qrels', `${split}.tsv`)
  const rows: string[][] = parse(await readFile(file, 'utf8'), { delimiter: '\t', fromLine: 2, quote: null })
  const found = new Map<string, Map<string, number>>()
  for (const [query = '', document = '', relevance] of rows) {
    if (Number(relevance) > 0) found.set(query, (found.get(query) ?? new Map<string, number>()).set(document, 1))
  }
  return found
}

async function faq(file: string, delimiter: string): Promise<Table> {
  return parse(await readFile(path.join(sharedPath('data', 'covid-faq'), file), 'utf8'), { columns: true, delimiter })
}
