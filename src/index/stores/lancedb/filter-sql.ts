import type { Filter, Range } from '../../filter.ts'
import type { CollectionSchema } from '../../store.ts'
import { existenceFacet, numberKey, sortableInteger, valueFacet } from './facets.ts'
import { numberColumns } from './rows.ts'

/** Ids of the points whose payload has a string with this text in it: LanceDB cannot ask for that itself. */
export type FindContaining = (filter: Extract<Filter, { kind: 'contains' }>) => Promise<readonly string[]>

/** Compiles a filter to a SQL predicate that is never NULL, so that NOT means what `matchesFilter` means by it. */
export async function filterToSql(
  filter: Filter,
  schema: CollectionSchema,
  findContaining: FindContaining,
): Promise<string> {
  const columns = numberColumns(schema)

  const compile = async (node: Filter): Promise<string> => {
    switch (node.kind) {
      case 'eq':
        return hasFacet(valueFacet(node.field, node.value))
      case 'in':
        return node.values.length === 0
          ? 'false'
          : hasAnyFacet(node.values.map((value) => valueFacet(node.field, value)))
      case 'exists':
        return hasFacet(existenceFacet(node.field))
      case 'range': {
        const column = node.field.length === 1 ? columns.get(node.field[0]) : undefined
        return column ? columnRange(column, node.range) : jsonRange(numberKey(node.field), node.range)
      }
      case 'contains': {
        const ids = await findContaining(node)
        return ids.length === 0 ? 'false' : idIn(ids)
      }
      case 'not':
        return node.filter.kind === 'not' ? compile(node.filter.filter) : `NOT (${await compile(node.filter)})`
      case 'and':
        return combine('AND', 'true', await Promise.all(node.filters.map(compile)))
      case 'or':
        return combine('OR', 'false', await Promise.all(node.filters.map(compile)))
    }
  }
  return compile(filter)
}

/** A SQL string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export function idIn(ids: readonly string[]): string {
  return `id IN (${ids.map(literal).join(', ')})`
}

function hasFacet(facet: string): string {
  return `array_has(facets, ${literal(facet)})`
}

function hasAnyFacet(facets: readonly string[]): string {
  return `array_has_any(facets, [${facets.map(literal).join(', ')}])`
}

const comparisons = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

function limits(range: Range): [operator: string, limit: number][] {
  return Object.entries(comparisons).flatMap(([name, operator]) => {
    const limit = range[name as keyof typeof comparisons]
    return limit === undefined ? [] : [[operator, limit]]
  })
}

function columnRange(column: string, range: Range): string {
  const conditions = limits(range).map(([operator, limit]) => `${column} ${operator} ${limit}`)
  return `(${[`${column} IS NOT NULL`, ...conditions].join(' AND ')})`
}

function jsonRange(key: string, range: Range): string {
  const conditions = limits(range).map(([operator, limit]) => `@ ${operator} ${sortableInteger(limit)}`)
  const test = conditions.length > 0 ? ` ? (${conditions.join(' && ')})` : ''
  return `coalesce(json_exists(numbers, '$."${key}"[*]${test}'), false)`
}

function combine(operator: 'AND' | 'OR', none: string, parts: readonly string[]): string {
  return parts.length === 0 ? none : `(${parts.join(` ${operator} `)})`
}
