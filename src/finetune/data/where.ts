import { type DataRow, placeOfColumn, QontrastError } from '../../shared/index.ts'

type Scalar = string | number | boolean
export interface Bounds {
  readonly gt?: number
  readonly gte?: number
  readonly lt?: number
  readonly lte?: number
}
/** What rows must have in columns, all of it: a value (`1` is `"1"` in a table), or bounds of a number. */
export type Where = Readonly<Record<string, Scalar | Bounds>>

const tests: Readonly<Record<keyof Bounds, (value: number, bound: number) => boolean>> = {
  gt: (value, bound) => value > bound,
  gte: (value, bound) => value >= bound,
  lt: (value, bound) => value < bound,
  lte: (value, bound) => value <= bound,
}
const signs = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

/** `invalid-option` for what is no condition. */
export function checkWhere(where: Where): void {
  for (const [column, condition] of Object.entries(where)) {
    const bounds = typeof condition === 'object' && condition !== null ? Object.entries(condition) : undefined
    const isRight = bounds
      ? bounds.length > 0 && bounds.every(([name, bound]) => name in tests && Number.isFinite(bound))
      : ['string', 'number', 'boolean'].includes(typeof condition)
    if (isRight) continue
    const given = JSON.stringify(condition)
    throw new QontrastError(
      'invalid-option',
      `where: '${column}' is a value, or bounds such as { gte: 4 } (gt, gte, lt, lte); got ${given}.`,
    )
  }
}

/** Whether a row is chosen. */
export function isChosen(row: DataRow['values'], where: Where): boolean {
  const names = row.map(([name]) => name)
  return Object.entries(where).every(([column, condition]) => {
    const place = placeOfColumn(names, column)
    return place !== undefined && holds(row[place]?.[1], condition)
  })
}

/** `label = 1, score >= 4` */
export function whereText(where: Where): string {
  return Object.entries(where)
    .flatMap(([column, condition]) =>
      typeof condition === 'object'
        ? boundsOf(condition).map(([name, bound]) => `${column} ${signs[name]} ${bound}`)
        : [`${column} = ${condition}`],
    )
    .join(', ')
}

function holds(value: unknown, condition: Scalar | Bounds): boolean {
  const text = String(value ?? '').trim()
  const number = text === '' ? Number.NaN : Number(text)
  if (typeof condition === 'object') return boundsOf(condition).every(([name, bound]) => tests[name](number, bound))
  const wanted = String(condition).trim()
  return text === wanted || (wanted !== '' && number === Number(wanted))
}

function boundsOf(bounds: Bounds): (readonly [keyof Bounds, number])[] {
  return (['gt', 'gte', 'lt', 'lte'] as const).flatMap((name) => {
    const bound = bounds[name]
    return bound === undefined ? [] : [[name, bound] as const]
  })
}
