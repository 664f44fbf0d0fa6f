import type { Input, Processor, Purpose } from '../../embed/index.ts'
import type { Sizes, ValueName, ValueType } from '../../graph/index.ts'
import type { HostTensors } from '../../runtime/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { type CutRules, cutStep, type SizeRule } from './cut.ts'

/** Items that are fed together, each padded to the largest. */
export interface Group {
  /** The tower, or the follower, that they go through. */
  readonly pass: string
  readonly items: number
  readonly feeds: HostTensors
  /** Numbers that the symbols of the feeds' dims stand for. */
  readonly sizes: Sizes
}

/** What a step is fed. */
export interface Batch {
  readonly groups: readonly Group[]
  readonly examples: number
  /** For each of the method's embeddings: where its rows are among all items of its pass, one group after the other. */
  readonly rows: Readonly<Record<string, readonly number[]>>
  /** And which example each row belongs to; left out where each example has one. */
  readonly owners: Readonly<Record<string, readonly number[]>>
  /** Inputs of which the model is given a part only. */
  readonly cutItems: number
  /** Whether one graph takes all groups; else each is a chunk. */
  readonly atOnce: boolean
}

/** Views whose items are put into groups together, as the same towers take them. */
export interface Route {
  readonly views: readonly string[]
  /** Which of the processors makes them ready. */
  readonly processor: string
  /** Towers and followers, each of which takes every group. */
  readonly passes: readonly string[]
  readonly size: SizeRule
  readonly divisible: boolean
}

/** How the inputs of a step become a batch, as plain data: it goes to whichever thread makes them. */
export interface BatchPlan {
  readonly purposes: Readonly<Record<string, Purpose>>
  readonly routes: readonly Route[]
  /** For each of the method's embeddings, its view and the tower or follower that it comes out of. */
  readonly embeddings: Readonly<Record<string, { readonly view: string; readonly pass: string }>>
  readonly cut: CutRules
}

/** The inputs of a step: for each view, those of each example. */
export type StepInputs = Readonly<Record<string, readonly (readonly Input[])[]>>

/** Makes a batch: prepares every input, puts the items in order of what they cost, cuts them into groups. */
export async function makeBatch(
  inputs: StepInputs,
  { purposes, routes, embeddings, cut }: BatchPlan,
  processors: ReadonlyMap<string, Processor>,
): Promise<Batch> {
  const prepared: Prepared[] = []
  for (const route of routes) {
    const processor = processors.get(route.processor)
    if (!processor) throw new QontrastError('internal', `no processor is called '${route.processor}'`)
    prepared.push(await prepare(inputs, route, { purposes, processor }))
  }
  const loads = prepared.map(({ order, items, route: { size, divisible } }) => {
    return { costs: order.map((item) => items[item]?.cost ?? 0), size, divisible }
  })
  const { stretches, atOnce } = cutStep(loads, cut)

  const groups: Group[] = []
  const counts = new Map<string, number>()
  const firsts = new Map<string, number>()
  for (const [i, one] of prepared.entries()) {
    const fed = (stretches[i] ?? []).map((stretch) => feed(one, stretch))
    for (const pass of one.route.passes) {
      const first = counts.get(pass) ?? 0
      for (const view of one.route.views) firsts.set(`${view} ${pass}`, first)
      groups.push(...fed.map((group) => ({ ...group, pass })))
      counts.set(pass, first + one.items.length)
    }
  }
  const examples = Math.max(0, ...Object.values(inputs).map(({ length }) => length))
  const placesOf = (view: string, pass: string) => {
    const first = firsts.get(`${view} ${pass}`)
    const places = prepared
      .find(({ route }) => route.views.includes(view) && route.passes.includes(pass))
      ?.places.get(view)
    return first === undefined ? [] : (places ?? []).map((place) => first + place)
  }
  const rows = Object.entries(embeddings).map(([name, { view, pass }]) => [name, placesOf(view, pass)] as const)
  const present = rows.filter(([, places]) => places.length > 0)
  const owners = present.flatMap(([name]) => {
    const own = ownersOf(inputs[embeddings[name]?.view ?? ''] ?? [])
    return own.every((owner, i) => owner === i) && own.length === examples ? [] : [[name, own] as const]
  })
  return {
    groups,
    examples,
    rows: Object.fromEntries(present),
    owners: Object.fromEntries(owners),
    cutItems: prepared.reduce((sum, { cutItems }) => sum + cutItems, 0),
    atOnce,
  }
}

interface Prepared {
  readonly route: Route
  readonly processor: Processor
  readonly items: readonly { readonly item: unknown; readonly cost: number }[]
  /** The items in ascending order of cost. */
  readonly order: readonly number[]
  /** For each view, where its items are in that order. */
  readonly places: ReadonlyMap<string, readonly number[]>
  readonly cutItems: number
}

async function prepare(
  inputs: StepInputs,
  route: Route,
  { purposes, processor }: Pick<BatchPlan, 'purposes'> & { readonly processor: Processor },
): Promise<Prepared> {
  const items: { readonly item: unknown; readonly cost: number }[] = []
  const spans = new Map<string, readonly [from: number, to: number]>()
  for (const view of route.views) {
    const from = items.length
    for (const input of (inputs[view] ?? []).flat()) {
      const item = await processor.prepare(input, purposes[view] ?? 'document')
      items.push({ item, cost: processor.cost(item) })
    }
    spans.set(view, [from, items.length])
  }
  const costOf = (item: number) => items[item]?.cost ?? 0
  const order = [...items.keys()].sort((a, b) => costOf(a) - costOf(b) || a - b)
  const places = new Array<number>(items.length).fill(0)
  for (const [place, item] of order.entries()) places[item] = place
  return {
    route,
    processor,
    items,
    order,
    places: new Map([...spans].map(([view, [from, to]]) => [view, places.slice(from, to)])),
    cutItems: items.filter(({ item }) => processor.isCut(item)).length,
  }
}

function feed({ processor, items, order }: Prepared, [from, to]: readonly [number, number]): Omit<Group, 'pass'> {
  const feeds = processor.collate(order.slice(from, to).map((item) => items[item]?.item))
  return { items: to - from, feeds, sizes: sizesOf(processor.feeds, feeds) }
}

/** Reads off what the symbols of dims stand for. */
function sizesOf(types: ReadonlyMap<ValueName, ValueType>, feeds: HostTensors): Sizes {
  const sizes = [...types].flatMap(([name, { dims = [] }]) =>
    dims.flatMap((dim, axis) => (typeof dim === 'number' ? [] : [[dim, feeds[name]?.dims[axis] ?? 0] as const])),
  )
  return Object.fromEntries(sizes)
}

/** The example of each input. */
function ownersOf(given: readonly (readonly Input[])[]): number[] {
  return given.flatMap((some, example) => some.map(() => example))
}
