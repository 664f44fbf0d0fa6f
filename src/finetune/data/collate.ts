import type { TokenBatch, TransformerFiles } from '../../embed/index.ts'
import type { Pair } from './pairs.ts'

/** A text as token ids, with the number of its first tokens that are not pooled. */
export interface TokenizedText {
  readonly ids: readonly number[]
  readonly skip: number
  /** The text was longer than the model reads. */
  readonly cut: boolean
}

/** The texts of a step in groups of like length, and where those of each of the loss's embeddings are among them, all groups one after the other. */
export interface Batch {
  readonly groups: readonly TokenBatch[]
  /** The tower or follower that each group goes through; the encoder where it is left out. */
  readonly passes?: readonly string[]
  readonly examples: number
  /** For pairs: `anchor`, `positive`, and `negative` where there are any. */
  readonly rows: Readonly<Record<string, readonly number[]>>
  /** The example that each row belongs to, for embeddings that have not just one of each, in order. */
  readonly owners: Readonly<Record<string, readonly number[]>>
  readonly cutTexts: number
}

export type Tokenize = (text: string, purpose: 'query' | 'document') => TokenizedText

/** Tokenizes with the model's prompts, cut to `maximumTokens`, or to the model's own maximum where that is less. */
export function createTokenize({ tokenizer, prompts }: TransformerFiles, maximumTokens: number | undefined): Tokenize {
  const limit = Math.min(maximumTokens ?? tokenizer.maximumTokens, tokenizer.maximumTokens)
  return (text, purpose) => {
    const { prompt, skip } = prompts[purpose]
    const whole = tokenizer.encode(prompt + text)
    const tail = tokenizer.specialTokens - tokenizer.prefixTokens
    const ids = whole.length > limit ? cutToLimit(whole, tail) : whole
    const cut =
      whole.length > limit || (whole.length === tokenizer.maximumTokens && isLonger(text, prompt, whole.length))
    return { ids, skip, cut }
  }

  /** Leaves out tokens at the end where the model does, between its special tokens. */
  function cutToLimit(whole: readonly number[], tail: number): readonly number[] {
    const { prefixTokens, truncationSide } = tokenizer
    const room = limit - tail
    if (truncationSide === 'right') return [...whole.slice(0, room), ...whole.slice(whole.length - tail)]
    return [...whole.slice(0, prefixTokens), ...whole.slice(whole.length - limit + prefixTokens)]
  }

  function isLonger(text: string, prompt: string, length: number): boolean {
    return tokenizer.ids(prompt + text, length + 1).length > length - tokenizer.specialTokens
  }
}

/** Stretches of texts in ascending order of length that are padded together. */
export type Cut = (lengths: readonly number[]) => readonly (readonly [from: number, to: number])[]

/** Puts the texts of pairs into a batch, by length. */
export function collate(pairs: readonly Pair[], tokenize: Tokenize, cut: Cut): Batch {
  const texts: { readonly tokens: TokenizedText; readonly role: 'anchor' | 'positive' | 'negative' }[] = []
  for (const { anchor } of pairs) texts.push({ tokens: tokenize(anchor, 'query'), role: 'anchor' })
  for (const { positive } of pairs) texts.push({ tokens: tokenize(positive, 'document'), role: 'positive' })
  for (const { negatives = [] } of pairs)
    for (const negative of negatives) texts.push({ tokens: tokenize(negative, 'document'), role: 'negative' })

  const order = [...texts.keys()].sort((a, b) => lengthOf(a) - lengthOf(b) || a - b)
  const places = new Array<number>(texts.length).fill(0)
  for (const [place, text] of order.entries()) places[text] = place
  const owners = pairs.flatMap(({ negatives = [] }, pair) => negatives.map(() => pair))
  const placesOf = (role: string) =>
    [...texts.keys()].filter((text) => texts[text]?.role === role).map((text) => places[text] ?? 0)
  return {
    groups: cut(order.map(lengthOf)).map(([from, to]) =>
      batchOf(order.slice(from, to).map((text) => texts[text]!.tokens)),
    ),
    examples: pairs.length,
    rows: {
      anchor: placesOf('anchor'),
      positive: placesOf('positive'),
      ...(owners.length > 0 ? { negative: placesOf('negative') } : {}),
    },
    owners: owners.length > 0 ? { negative: owners } : {},
    cutTexts: texts.filter(({ tokens }) => tokens.cut).length,
  }

  function lengthOf(text: number): number {
    return texts[text]?.tokens.ids.length ?? 0
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

function batchOf(texts: readonly TokenizedText[]): TokenBatch {
  return {
    ids: Int32Array.from(texts.flatMap(({ ids }) => ids)),
    lengths: Int32Array.from(texts, ({ ids }) => ids.length),
    skips: Int32Array.from(texts, ({ skip }) => skip),
  }
}
