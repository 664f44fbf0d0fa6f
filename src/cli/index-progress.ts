import type { AddProgress } from '../index/index.ts'
import type { Document, Progress } from '../shared/index.ts'
import { count, duration, number } from './progress-line.ts'

/** How far the files are that documents come from: what was read when a document came counts as done once it is stored. */
export interface IndexProgress {
  onRead(progress: Progress): void
  /** The same documents, each noted with what was read by then. */
  follow(documents: AsyncIterable<Document>): AsyncIterable<Document>
  /** `31 % of 12.4 MB · 1,240 documents · 26/s · 2 min 5 s left · 310 chunks embedded` */
  describe(progress: AddProgress): string
}

export function createIndexProgress(started = performance.now()): IndexProgress {
  /** How many documents had come when so many bytes were read; those that are stored go. */
  const marks: { documents: number; bytes: number }[] = []
  let read = 0
  let total: number | undefined
  let given = 0
  let stored = 0
  return {
    onRead(progress) {
      read = progress.done
      total = progress.total
    },
    async *follow(documents) {
      for await (const document of documents) {
        given += 1
        const last = marks.at(-1)
        if (last?.bytes === read) last.documents = given
        else marks.push({ documents: given, bytes: read })
        yield document
      }
    },
    describe({ documents, embedded, reused, unchanged, failed }) {
      while (marks[0] && marks[0].documents <= documents) stored = marks.shift()?.bytes ?? stored
      const seconds = (performance.now() - started) / 1000
      const share = total ? Math.min(1, stored / total) : 0
      const left = share > 0 && share < 1 ? [`${duration((seconds * (1 - share)) / share)} left`] : []
      return [
        ...(total ? [`${Math.floor(share * 100)} % of ${size(total)}`] : []),
        count(documents, 'document'),
        `${number(documents / seconds)}/s`,
        ...left,
        `${count(embedded, 'chunk')} embedded`,
        ...(reused > 0 ? [`${number(reused)} reused`] : []),
        `${number(unchanged)} unchanged`,
        ...(failed > 0 ? [`${number(failed)} failed`] : []),
      ].join(' · ')
    },
  }
}

function size(bytes: number): string {
  return bytes < 100_000 ? `${number(bytes / 1e3, 1)} kB` : `${number(bytes / 1e6, 1)} MB`
}
