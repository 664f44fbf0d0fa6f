import type { Table } from '@lancedb/lancedb'
import type { RecordBatch } from 'apache-arrow'
import { createPace } from '../../../shared/index.ts'
import { lookedAt, type PointIds, type Ranked } from '../ranking.ts'
import type { PointRecord, ScoredPoint } from '../store.ts'
import { dotAt, floatsOf, keysOf, rowsOf, stringsOf } from './columns.ts'
import { toKey, toRecord } from './rows.ts'

/** Points of one state of a table by their rows, each read once; cosines are with the vector that was given. */
export interface Points {
  ids(rows: readonly bigint[]): Promise<ReadonlyMap<bigint, PointIds>>
  cosines(rows: readonly bigint[]): Promise<ReadonlyMap<bigint, number>>
  look(rows: readonly bigint[]): Promise<ReadonlyMap<bigint, PointIds & { readonly cosine: number }>>
  /** What comes back of the points on all pages. */
  pages(pages: readonly (readonly Ranked<bigint>[])[]): Promise<ScoredPoint[][]>
}

/** Rows that are asked for together. */
const mostRows = 2_000
/** Of so few, or twice as many as are on the page, records are read with the first look: to come back for those on the page costs more. */
const fewRows = 64

export interface PointsOptions {
  readonly vector?: Float32Array
  /** Points on the page. */
  readonly limit?: number
}

type Part = 'ids' | 'record' | 'vector'
const columns: Readonly<Record<Part, readonly string[]>> = {
  ids: ['id', 'document'],
  record: ['record'],
  vector: ['vector'],
}

export function pointsOf(table: Table, { vector = new Float32Array(), limit = 0 }: PointsOptions = {}): Points {
  const few = Math.max(fewRows, 2 * limit)
  const ids = new Map<bigint, PointIds>()
  const cosines = new Map<bigint, number>()
  const records = new Map<bigint, PointRecord>()
  const known: Readonly<Record<Part, ReadonlyMap<bigint, unknown>>> = { ids, record: records, vector: cosines }
  const pace = createPace()

  const keep: Readonly<Record<Part, (batch: RecordBatch, rows: readonly bigint[]) => Promise<void>>> = {
    async ids(batch, rows) {
      for (const [i, own] of keysOf(batch).entries()) ids.set(rows[i] ?? 0n, own)
    },
    async record(batch, rows) {
      for (const [i, text] of stringsOf(batch, 'record').entries()) {
        const record = toRecord(text)
        records.set(rows[i] ?? 0n, record)
        ids.set(rows[i] ?? 0n, { id: toKey(record.id), document: toKey(record.documentId) })
        await pace()
      }
    },
    async vector(batch, rows) {
      const vectors = floatsOf(batch, 'vector')
      for (const [i, row] of rows.entries()) cosines.set(row, cosineAt(vector, vectors, i * vector.length))
    },
  }

  async function read(rows: readonly bigint[], parts: readonly Part[]): Promise<void> {
    for (let start = 0; start < rows.length; start += mostRows) {
      const taken = table.takeRowIds(rows.slice(start, start + mostRows)).withRowId()
      for await (const batch of taken.select(parts.flatMap((part) => columns[part]))) {
        const own = [...rowsOf(batch)]
        for (const part of parts) await keep[part](batch, own)
      }
    }
  }

  /** Reads what is not known yet of one of these rows; the records too where they are few. */
  function complete(rows: readonly bigint[], wanted: readonly ('ids' | 'vector')[]): Promise<void> {
    const isKnown = (part: Part, row: bigint) => known[part].has(row)
    const missing = rows.filter((row) => wanted.some((part) => !isKnown(part, row)))
    const asked: readonly Part[] =
      missing.length > few ? wanted : wanted.map((part) => (part === 'ids' ? 'record' : part))
    return read(
      missing,
      asked.filter((part) => missing.some((row) => !isKnown(part, row))),
    )
  }

  return {
    async ids(rows) {
      await complete(rows, ['ids'])
      return ids
    },
    async cosines(rows) {
      await complete(rows, ['vector'])
      return cosines
    },
    async look(rows) {
      await complete(rows, vector.length === 0 ? ['ids'] : ['ids', 'vector'])
      return lookedAt(rows, ids, cosines)
    },
    async pages(pages) {
      const wanted = new Set(pages.flat().map(({ ref }) => ref))
      await read(
        [...wanted].filter((row) => !records.has(row)),
        ['record'],
      )
      return pages.map((page) =>
        page.flatMap(({ ref, score, scores }) => {
          const point = records.get(ref)
          return point ? [{ score, scores, point }] : []
        }),
      )
    },
  }
}

/** A stored vector of zeros, of a text that the encoder understood nothing of, is near to nothing. */
function cosineAt(vector: Float32Array, vectors: Float32Array, from: number): number {
  const stored = vectors.subarray(from, from + vector.length)
  const squares = dotAt(stored, stored, 0) * dotAt(vector, vector, 0)
  return squares === 0 ? 0 : dotAt(vector, stored, 0) / Math.sqrt(squares)
}
