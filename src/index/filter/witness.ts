import type { JsonObject, JsonValue } from '../../shared/index.ts'
import { own } from '../../shared/index.ts'
import { candidatesOf } from './candidates.ts'
import { matchesElement, matchesFilter } from './evaluate.ts'
import type { Fields, FieldType } from './fields.ts'
import { oppositeOf } from './meaning.ts'
import { type Filter, isLeaf, type Leaf } from './node.ts'

/** Choices that are tried before giving up: a filter that needs more is not known to leave anything. */
const mostChoices = 2_000

/**
 * A payload that a filter does not match, or undefined where none was found. What comes back was tried on the filter, so one that holds for
 * every payload never gets any. Undeclared fields are given values of the types that the filter compares them with.
 */
export function payloadOutside(filter: Filter, fields: Fields): JsonObject | undefined {
  let choices = 0

  /** Goes down what must hold; of an `or`, one part after the other, back from those that contradict what was chosen before. */
  function search(required: readonly Filter[], chosen: readonly Filter[]): JsonObject | undefined {
    if (++choices > mostChoices) return undefined
    const conditions = [...chosen]
    const alternatives: Filter[] = []
    const open = [...required]
    for (let next = open.pop(); next; next = open.pop()) {
      if (next.kind === 'and') open.push(...next.filters)
      else if (next.kind === 'or') alternatives.push(next)
      else conditions.push(next)
    }
    const payload = payloadWith(conditions, fields)
    const unmet = payload && alternatives.find((part) => !matchesFilter(part, payload))
    if (unmet?.kind !== 'or') return payload
    for (const part of unmet.filters) {
      const found = search([...alternatives, part], conditions)
      if (found) return found
    }
    return undefined
  }

  const found = search([oppositeOf(filter)], [])
  return found && !matchesFilter(filter, found) ? found : undefined
}

/** What is asked of the value under one path. */
interface Demand {
  readonly holds: Leaf[]
  readonly fails: Leaf[]
  readonly inner: Map<string, Demand>
}

const newDemand = (): Demand => ({ holds: [], fails: [], inner: new Map() })

/** A payload that meets conditions and denied conditions; undefined where they contradict one another. */
function payloadWith(conditions: readonly Filter[], fields: Fields): JsonObject | undefined {
  const root = newDemand()
  for (const condition of conditions) {
    const leaf = condition.kind === 'not' ? condition.filter : condition
    if (!isLeaf(leaf)) continue
    const demand = leaf.field.reduce((at, key) => {
      const inner = at.inner.get(key) ?? newDemand()
      at.inner.set(key, inner)
      return inner
    }, root)
    demand[condition.kind === 'not' ? 'fails' : 'holds'].push(leaf)
  }
  return objectFor(root, (key) => own(fields, key))
}

function objectFor(demand: Demand, typeOf: (key: string) => FieldType | undefined): JsonObject | undefined {
  const entries: [string, JsonValue][] = []
  for (const [key, inner] of demand.inner) {
    const solved = solve(inner, typeOf(key))
    if (!solved) return undefined
    if (solved.value !== undefined) entries.push([key, solved.value])
  }
  return Object.fromEntries(entries)
}

/** A value, or that there should be none. */
type Solved = { readonly value: JsonValue | undefined }

function solve({ holds, fails, inner }: Demand, type: FieldType | undefined): Solved | undefined {
  const object = objectFor({ holds, fails, inner }, () => undefined)
  if (!object) return undefined
  const missing = fails.some(({ kind }) => kind === 'exists')
  if (Object.keys(object).length > 0) {
    return type !== undefined || missing || holds.some(({ kind }) => kind !== 'exists') ? undefined : { value: object }
  }
  if (holds.length === 0) return { value: undefined }
  return missing ? undefined : solveElements(holds, fails, type)
}

/** Each condition needs an element of its own, none of which may meet a denied one; a number or boolean field has one for all. */
function solveElements(
  holds: readonly Leaf[],
  fails: readonly Leaf[],
  type: FieldType | undefined,
): Solved | undefined {
  const free = candidatesOf([...holds, ...fails], type).filter(
    (value) => !fails.some((leaf) => matchesElement(leaf, value)),
  )
  if (type === 'number' || type === 'boolean') {
    const one = free.find((value) => holds.every((leaf) => matchesElement(leaf, value)))
    return one === undefined ? undefined : { value: one }
  }
  const elements = holds.map((leaf) => free.find((value) => matchesElement(leaf, value)))
  const found = [...new Set(elements.flatMap((value) => (value === undefined ? [] : [value])))]
  if (elements.includes(undefined)) return undefined
  return { value: found.length === 1 ? found[0] : found }
}
