import { placeOfColumn, QontrastError, type ReadRowsOptions, readRows } from '../shared/index.ts'

/** Where the columns of some roles are among the names of a file, in the order of the roles; undefined where one is missing. */
export type FindPlaces = (names: readonly string[]) => readonly number[] | undefined

export interface ReadCellsOptions {
  readonly find: FindPlaces
  /** True for a first row that is no header: its columns are the roles in their order. */
  readonly isUnnamed?: (cells: readonly string[]) => boolean
  /** For errors: what columns are usually called, and the roles that they can be named for. */
  readonly expected: string
  readonly roles: string
}

export interface CellsOfRow {
  /** In the order of the roles. */
  readonly cells: readonly string[]
  /** An error that names file and line. */
  fail(reason: string): QontrastError
}

/** The cells of a file's rows that have a role, as texts. `invalid-input` with the line for a row that is none. */
export async function* readCells(
  file: string,
  { find, isUnnamed = () => false, expected, roles }: ReadCellsOptions,
): AsyncGenerator<CellsOfRow, void, undefined> {
  const failAt = (line: number) => (reason: string) =>
    new QontrastError('invalid-input', `${file}, line ${line}: ${reason}`)
  const onLost: ReadRowsOptions['onLost'] = ({ line, reason }) => {
    throw failAt(line)(reason)
  }
  const positions = (cells: readonly string[]) => cells.map((_, i) => String(i + 1))
  const isHeader = (cells: readonly string[]) =>
    find(cells) !== undefined || !(isUnnamed(cells) || find(positions(cells)) !== undefined)
  for await (const { values, line } of readRows(file, { onLost, isHeader })) {
    const names = values.map(([name]) => name)
    const unnamed = names.join() === positions(names).join()
    const places = find(names) ?? (unnamed ? [...names.keys()] : undefined)
    if (!places) {
      const remedy = `name others with --columns ${roles.replaceAll(/\w+/g, '$&=…').replaceAll(', ', ',')} (columns)`
      throw failAt(line)(`expected the columns ${expected}; got ${names.join(', ')}: ${remedy}.`)
    }
    const cells = places.map((place) => textOf(values[place]?.[1]))
    yield { cells, fail: failAt(line) }
  }
}

/** The columns that are asked for, by name or position, the others as they are found. */
export function placesAsked(asked: readonly (string | undefined)[], find: FindPlaces): FindPlaces {
  if (asked.every((name) => name === undefined)) return find
  return (names) => {
    const found = asked.includes(undefined) ? find(names) : undefined
    const places = asked.map((name, i) => (name === undefined ? found?.[i] : placeOfColumn(names, name)))
    const known = places.filter((place) => place !== undefined)
    return known.length === places.length ? known : undefined
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === null || value === undefined ? '' : String(value)
}
