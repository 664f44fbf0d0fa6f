import { appendInstance, type Graph, type GraphBuilder, type ValueName } from '../../../graph/index.ts'
import type { Tower } from '../../tower/tower.ts'
import { isTrainable, type Part, type Recipe } from '../recipe.ts'

/** Rows that one pass takes from a table which is only looked up: its gradient leaves the graph as theirs. */
export interface Lookup {
  readonly table: ValueName
  readonly rows: ValueName
  readonly taken: ValueName
}

/** How one copy of a tower's graph is told from the others. */
export interface Placing {
  /** What its own values are called. */
  rename(name: ValueName): ValueName
  /** What its sizes are called. */
  readonly sizes: Readonly<Record<string, string>>
  /** Values in the place of its inputs; the others become inputs of the whole. */
  readonly given: ReadonlyMap<ValueName, ValueName>
}

export interface Placed {
  readonly output: ValueName
  readonly lookups: readonly Lookup[]
}

/** A graph that copies of towers are put in. */
export interface Site {
  /** The buffers that were read → their values after the last copy that reads them: each goes on from the one before. */
  readonly buffers: ReadonlyMap<ValueName, ValueName>
  /** Appends a copy of a tower, which shares weights, buffers and constants with its other copies. */
  place(part: Part, placing: Placing): Placed
}

export function createSite(g: GraphBuilder, { towers }: Recipe): Site {
  const buffers = new Map<ValueName, ValueName>()
  const alone = Object.keys(towers).length === 1

  function place({ name: part, tower, follows, weight, buffer }: Part, { rename, sizes, given }: Placing): Placed {
    const { graph } = tower.model
    const constants = [...graph.initializers].filter(([name]) => !tower.parameters.has(name))
    const named = (name: ValueName): ValueName => {
      if (tower.parameters.has(name)) return weight(name)
      if (tower.buffers.has(name)) return buffers.get(buffer(name)) ?? buffer(name)
      if (graph.initializers.has(name)) return alone ? name : `${follows?.of ?? part}/${name}`
      return given.get(name) ?? rename(name)
    }
    const typed = { graph: { ...graph, initializers: new Map(constants) }, types: tower.types }
    appendInstance(g, typed, { rename: named, sizes })
    const lookups = follows ? [] : lookupsOf(tower)
    const placed = {
      output: named(tower.output),
      lookups: lookups.map(({ table, rows, taken }) => ({
        table: weight(table),
        rows: named(rows),
        taken: named(taken),
      })),
    }
    const next = [...tower.buffers].map(([name, one]) => [buffer(name), named(one.next)] as const)
    for (const [name, value] of next) buffers.set(name, value)
    return placed
  }

  return { buffers, place }
}

/** The trained tables that are read by Gather along their first axis and by nothing else. */
export function lookupsOf({ model, parameters }: Tower): Lookup[] {
  const readers = new Map<ValueName, Graph['nodes'][number][]>()
  for (const node of model.graph.nodes) {
    for (const name of new Set(node.inputs)) {
      if (isTrainable(parameters.get(name))) readers.set(name, [...(readers.get(name) ?? []), node])
    }
  }
  return [...readers].flatMap(([table, all]) => {
    const onlyLooked = all.every(({ op, inputs, attributes: { axis } }) => {
      return op === 'Gather' && inputs[0] === table && (axis?.kind !== 'int' || axis.value === 0n)
    })
    return onlyLooked
      ? all.map(({ inputs, outputs }) => ({ table, rows: inputs[1] ?? '', taken: outputs[0] ?? '' }))
      : []
  })
}
