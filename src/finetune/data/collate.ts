import type { Processor, Purpose } from '../../embed/index.ts'
import type { Pair } from './pairs.ts'

/** The texts of a step in groups of like length, and where those of each of the loss's embeddings are among them, all groups one after the other. */
export interface Batch {
  /** What the processor made of the texts. */
  readonly groups: readonly (readonly unknown[])[]
  /** The tower or follower that each group goes through; the encoder where it is left out. */
  readonly passes?: readonly string[]
  readonly examples: number
  /** For pairs: `anchor`, `positive`, and `negative` where there are any. */
  readonly rows: Readonly<Record<string, readonly number[]>>
  /** The example that each row belongs to, for embeddings that have not just one of each, in order. */
  readonly owners: Readonly<Record<string, readonly number[]>>
  readonly cutTexts: number
}

/** Stretches of texts in ascending order of length that are padded together. */
export type Cut = (lengths: readonly number[]) => readonly (readonly [from: number, to: number])[]

type Role = 'anchor' | 'positive' | 'negative'

/** Puts the texts of pairs into a batch, by what they cost. */
export async function collate(pairs: readonly Pair[], processor: Processor, cut: Cut): Promise<Batch> {
  const texts: { readonly item: unknown; readonly cost: number; readonly role: Role }[] = []
  const add = async (text: string, purpose: Purpose, role: Role) => {
    const item = await processor.prepare(text, purpose)
    texts.push({ item, cost: processor.cost(item), role })
  }
  for (const { anchor } of pairs) await add(anchor, 'query', 'anchor')
  for (const { positive } of pairs) await add(positive, 'document', 'positive')
  for (const { negatives = [] } of pairs) for (const negative of negatives) await add(negative, 'document', 'negative')

  const costOf = (text: number) => texts[text]?.cost ?? 0
  const order = [...texts.keys()].sort((a, b) => costOf(a) - costOf(b) || a - b)
  const places = new Array<number>(texts.length).fill(0)
  for (const [place, text] of order.entries()) places[text] = place
  const owners = pairs.flatMap(({ negatives = [] }, pair) => negatives.map(() => pair))
  const placesOf = (role: Role) =>
    [...texts.keys()].filter((text) => texts[text]?.role === role).map((text) => places[text] ?? 0)
  return {
    groups: cut(order.map(costOf)).map(([from, to]) => order.slice(from, to).map((text) => texts[text]?.item)),
    examples: pairs.length,
    rows: {
      anchor: placesOf('anchor'),
      positive: placesOf('positive'),
      ...(owners.length > 0 ? { negative: placesOf('negative') } : {}),
    },
    owners: owners.length > 0 ? { negative: owners } : {},
    cutTexts: texts.filter(({ item }) => processor.isCut(item)).length,
  }
}

/** At most this many texts and tokens, padding included, in a stretch. */
export function cutBySize(limits: { readonly texts: number; readonly tokens: number }): Cut {
  return (lengths) => {
    const stretches: [number, number][] = []
    let from = 0
    for (let to = 1; to <= lengths.length; to++) {
      const next = to - from + 1
      const fits = to < lengths.length && next <= limits.texts && next * (lengths[to] ?? 0) <= limits.tokens
      if (fits) continue
      stretches.push([from, to])
      from = to
    }
    return stretches
  }
}

/** Cuts into a number of stretches so that the rectangles around them, and with them the padding, are smallest. */
export function cutInGroups(groups: number): Cut {
  return (lengths) => smallestRectangles(lengths, groups)
}

function smallestRectangles(lengths: readonly number[], groups: number): [from: number, to: number][] {
  const count = lengths.length
  const parts = Math.min(groups, count)
  const cost = (from: number, to: number) => (to - from) * (lengths[to - 1] ?? 0)
  let best = Array.from({ length: count + 1 }, (_, to) => (to === 0 ? Number.POSITIVE_INFINITY : cost(0, to)))
  const starts: number[][] = []
  for (let part = 1; part < parts; part++) {
    const next = new Array<number>(count + 1).fill(Number.POSITIVE_INFINITY)
    const start = new Array<number>(count + 1).fill(0)
    for (let to = part + 1; to <= count; to++) {
      for (let from = part; from < to; from++) {
        const total = (best[from] ?? 0) + cost(from, to)
        if (total < (next[to] ?? 0)) [next[to], start[to]] = [total, from]
      }
    }
    starts.push(start)
    best = next
  }
  const stretches: [number, number][] = []
  let to = count
  for (const start of starts.toReversed()) {
    stretches.unshift([start[to] ?? 0, to])
    to = start[to] ?? 0
  }
  return [[0, to], ...stretches]
}
