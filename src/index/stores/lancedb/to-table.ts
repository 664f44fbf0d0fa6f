import type { Table } from 'apache-arrow'
import { createPace } from '../../../shared/index.ts'
import { checkPoint } from '../check.ts'
import type { CollectionSchema, Point } from '../store.ts'
import { loadLibrary } from './load-library.ts'
import { toRow } from './rows.ts'

/** Made at a time: making the columns of rows takes about 0.1 ms for each. */
const rowsAtOnce = 64

/** Points as a table, made in pieces that share the event loop; all are checked before. */
export async function toTable(points: readonly Point[], schema: CollectionSchema): Promise<Table> {
  const { makeArrowTable, tableSchema } = await loadLibrary()
  const columns = tableSchema(schema)
  const pace = createPace()
  for (const point of points) {
    checkPoint(point, schema)
    await pace()
  }
  const made = (rows: readonly Point[]): Table =>
    makeArrowTable(
      rows.map((point) => toRow(point, schema)),
      { schema: columns },
    )
  const first = made(points.slice(0, rowsAtOnce))
  const others: Table[] = []
  for (let start = rowsAtOnce; start < points.length; start += rowsAtOnce) {
    await pace()
    others.push(made(points.slice(start, start + rowsAtOnce)))
  }
  return others.length === 0 ? first : first.concat(...others)
}
