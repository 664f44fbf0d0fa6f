import { readdir } from 'node:fs/promises'
import { isRowFile, readRows } from '../shared/index.ts'
import { fileNamed, isFolder } from './find-file.ts'
import { labelledPlaces, similarityPlaces } from './scored-data.ts'

export const evaluationTasks = ['retrieval', 'similarity', 'knn'] as const
export type EvaluationTask = (typeof evaluationTasks)[number]

/** What can be measured with data, by what is there: queries, training and test files with classes, or pairs of texts with a score. */
export async function taskOf(place: string): Promise<EvaluationTask> {
  if (!(await isFolder(place))) return 'similarity'
  if (await fileNamed(place, ['queries', 'topics', 'corpus'])) return 'retrieval'
  const test = await fileNamed(place, ['test'])
  if (test && (await fileNamed(place, ['train'])) && (await isLabelled(test))) return 'knn'
  const isTest = (entry: string) => entry.includes('test') && isRowFile(entry)
  return (await readdir(place)).some(isTest) ? 'similarity' : 'retrieval'
}

async function isLabelled(file: string): Promise<boolean> {
  for await (const { values } of readRows(file, { onLost: () => {} })) {
    const names = values.map(([name]) => name)
    return labelledPlaces(names) !== undefined && similarityPlaces(names) === undefined
  }
  return false
}
