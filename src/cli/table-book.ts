import type { FileColumns } from '../documents/index.ts'
import { number } from './progress-line.ts'

/** What the columns of tables were found to hold, said once for tables with the same columns. */
export interface TableBook {
  add(columns: FileColumns): void
  lines(): string[]
}

const mostLines = 10

export function createTableBook(): TableBook {
  const files = new Map<string, string[]>()
  return {
    add({ path, types }) {
      const described = Object.entries(types)
        .map(([name, type]) => `${name}: ${type}`)
        .join(', ')
      files.set(described, [...(files.get(described) ?? []), path])
    },
    lines() {
      const all = [...files].map(([described, [first = '', ...others]]) => {
        const more = others.length === 0 ? '' : ` and ${number(others.length)} more`
        return `Columns of ${first}${more}: ${described}`
      })
      const left = all.length - mostLines
      return left <= 0 ? all : [...all.slice(0, mostLines), `Columns of other tables: ${number(left)} more kinds`]
    },
  }
}
