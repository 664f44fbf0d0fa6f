import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Document } from 'qontrast'

/** One question with its answer; `id` is its line in the file, counted from 1. */
export interface MedQuadPair {
  readonly id: string
  readonly source: string
  readonly focus: string
  readonly qtype: string
  readonly question: string
  readonly answer: string
}

export interface MedQuadTask {
  /** The answers; questions are never indexed. */
  readonly documents: readonly Document[]
  /** Questions about focuses that are held out. */
  readonly queries: readonly { readonly id: string; readonly text: string }[]
  /** Query id → document id → relevance: the answers of the same question, and those equal to one of them byte by byte. */
  readonly relevant: ReadonlyMap<string, ReadonlyMap<string, number>>
}

/** Reads the pairs, with their sources cleaned: `8_NHLBI_QA_XML` → `NHLBI`. */
export async function readMedQuad(): Promise<MedQuadPair[]> {
  const packed = await readFile(new URL('data/medquad.jsonl.gz', import.meta.url))
  const lines = (await promisify(gunzip)(packed)).toString('utf8').trimEnd().split('\n')
  return lines.map((line, i) => {
    const pair: Omit<MedQuadPair, 'id'> = JSON.parse(line)
    return {
      ...pair,
      id: String(i + 1),
      source: pair.source
        .replace(/^\d+_/, '')
        .replace(/_QA(_XML)?$/, '')
        .replaceAll('_', ' '),
    }
  })
}

export async function readHeldOut(): Promise<{ focuses: string[]; queries: string[] }> {
  return JSON.parse(await readFile(new URL('data/medquad-held-out.json', import.meta.url), 'utf8'))
}

/** The retrieval task of the demo: 16,407 answers, 1,000 questions. */
export async function medQuadTask(): Promise<MedQuadTask> {
  const pairs = await readMedQuad()
  const { queries } = await readHeldOut()
  const byQuestion = Map.groupBy(pairs, (pair) => pair.question)
  const byAnswer = Map.groupBy(pairs, (pair) => pair.answer)
  const byId = new Map(pairs.map((pair) => [pair.id, pair]))
  const asked = queries.flatMap((id) => byId.get(id) ?? [])
  return {
    documents: pairs.map(({ id, focus, answer, source, qtype }) => ({
      id,
      title: focus,
      text: answer,
      payload: { source, qtype },
    })),
    queries: asked.map(({ id, question }) => ({ id, text: question })),
    relevant: new Map(
      asked.map(({ id, question }) => {
        const answers = (byQuestion.get(question) ?? []).flatMap(({ answer }) => byAnswer.get(answer) ?? [])
        return [id, new Map(answers.map((pair) => [pair.id, 1]))]
      }),
    ),
  }
}
