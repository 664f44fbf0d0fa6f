import type { ReadNotice } from '../documents/index.ts'
import { count, number } from './progress-line.ts'

/** What was told of files, counted. */
export interface NoticeBook {
  add(notice: ReadNotice): void
  /** Sentences for people. */
  lines(): string[]
  /** By kind, then by extension or encoding. */
  counts(): Partial<Record<ReadNotice['kind'], Record<string, number>>>
}

const sentences: Readonly<Record<ReadNotice['kind'], (files: number, details: string) => string>> = {
  skipped: (files, details) => `skipped ${count(files, 'file')}: ${details}`,
  empty: (files) => `${count(files, 'file')} empty`,
  link: (files, details) => `did not follow ${count(files, 'link')}: ${details}`,
  encoding: (files, details) => `${count(files, 'file')} not in UTF-8, read as: ${details}`,
  replaced: (files) => `${count(files, 'file')} with U+FFFD in the text: characters were lost before`,
}

export function createNoticeBook(): NoticeBook {
  const byKind = new Map<ReadNotice['kind'], Map<string, number>>()
  return {
    add({ kind, detail }) {
      const details = byKind.get(kind) ?? new Map<string, number>()
      byKind.set(kind, details.set(detail, (details.get(detail) ?? 0) + 1))
    },
    lines: () =>
      [...byKind].map(([kind, details]) => {
        const most = [...details].sort((a, b) => b[1] - a[1])
        const shown = most.slice(0, 12).map(([detail, files]) => `${detail} ${number(files)}`)
        const rest = most.length > 12 ? [`${number(most.length - 12)} more kinds`] : []
        return sentences[kind](
          most.reduce((sum, [, files]) => sum + files, 0),
          [...shown, ...rest].join(', '),
        )
      }),
    counts: () => Object.fromEntries([...byKind].map(([kind, details]) => [kind, Object.fromEntries(details)])),
  }
}
