import { createPace, type Section } from '../../shared/index.ts'
import { detached } from './detached.ts'

/** A verbatim piece of a text, as UTF-16 offsets. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface ChunkerOptions {
  /** Most tokens of a chunk, and how many of its last tokens begin the next one. */
  readonly tokens: number
  readonly overlap: number
  countTokens(text: string): number
}

export interface Chunker {
  /** Spans that together cover the whole text and never cross a section; `reserve` tokens are left free in each. */
  chunk(text: string, options?: { sections?: readonly Section[]; reserve?: number }): Promise<Span[]>
}

/**
 * A word with the white space after it, or one character of a script written without spaces.
 * Words end after 100 characters: WordPiece reads a longer one as a single unknown token, whatever its length.
 */
const unitPattern =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]\s*|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]{1,100}\s*/gu
/** How a unit may end a chunk: with a paragraph, a sentence, a line, or a word. */
const ends = [/\n\s*\n\s*$/, /[.!?…。！？]["'”’)\]]*\s*$/, /\n\s*$/] as const
/** A chunk may end this much before it is full, to end with more than a word. */
const searchShare = 0.35
/** An anchor is the best end as far as this many chunks to both sides. */
const anchorReach = 4
/** What tells ends of a kind apart: this many characters before them. */
const markCharacters = 24
const mostCachedWords = 100_000
const unitsBetweenTurns = 16

interface Unit extends Span {
  readonly tokens: number
}

/** Cuts texts into chunks at paragraph, sentence, line or word ends, in this order. Counts each distinct word once. */
export function createChunker({ tokens, overlap, countTokens }: ChunkerOptions): Chunker {
  const count = remembering(countTokens)
  const pace = createPace()
  let unitsCut = 0

  return {
    async chunk(text, { sections = [], reserve = 0 } = {}) {
      const budget = Math.max(tokens - reserve, Math.ceil(tokens / 2))
      const spans: Span[] = []
      for (const part of partsOf(text, sections)) {
        const units = await unitsOf(text, part, budget)
        const anchors = await anchorsOf(text, units, budget)
        for (const span of pack(text, units, { anchors, budget, overlap: Math.min(overlap, Math.floor(budget / 2)) })) {
          spans.push(span)
          await pace()
        }
      }
      return spans
    },
  }

  async function unitsOf(text: string, part: Span, budget: number): Promise<Unit[]> {
    const units: Unit[] = []
    const slice = text.slice(part.start, part.end)
    let start = part.start
    for (const match of slice.matchAll(unitPattern)) {
      const end = part.start + match.index + match[0].length
      for (const unit of fitting(text, { start, end }, budget)) units.push(unit)
      start = end
      if (++unitsCut % unitsBetweenTurns === 0) await pace()
    }
    return units
  }

  /**
   * Where a long text ends a chunk whatever came before: at the best ends far and wide, found by the words before them alone.
   * So an edit changes the chunks around it, and beyond the next anchor all are as they were.
   */
  async function anchorsOf(text: string, units: readonly Unit[], budget: number): Promise<number[]> {
    const reach = anchorReach * budget
    const total = units.reduce((sum, unit) => sum + unit.tokens, 0)
    if (total < 2 * reach) return []
    const anchors: number[] = []
    /** Ends that are better than all between them and here, each with its place. */
    const better: { end: number; rank: number; at: number; first: boolean }[] = []
    let at = 0
    for (const [i, unit] of units.entries()) {
      at += unit.tokens
      if (i % unitsBetweenTurns === 0) await pace()
      const rank = kindOf(text, unit) * 2 ** 32 + hashOf(text, unit.end)
      for (let last = better.at(-1); last && last.rank > rank; last = better.at(-1)) {
        if (last.first && at - last.at > reach) anchors.push(last.end)
        better.pop()
      }
      const before = better.at(-1)
      better.push({ end: i + 1, rank, at, first: at >= reach && (!before || at - before.at > reach) })
    }
    for (const { end, at: place, first } of better) if (first && total - place > reach) anchors.push(end)
    return anchors.sort((a, b) => a - b)
  }

  /** A unit of more tokens than fit is halved until its pieces fit. */
  function fitting(text: string, span: Span, budget: number): Unit[] {
    const tokensHere = count(text.slice(span.start, span.end).trim())
    const middle = middleOf(text, span)
    if (tokensHere <= budget || middle <= span.start || middle >= span.end) return [{ ...span, tokens: tokensHere }]
    return [
      ...fitting(text, { start: span.start, end: middle }, budget),
      ...fitting(text, { start: middle, end: span.end }, budget),
    ]
  }
}

/** Counts each distinct word once. */
function remembering(countTokens: (word: string) => number): (word: string) => number {
  const counts = new Map<string, number>()
  return (word) => {
    const known = counts.get(word)
    if (known !== undefined) return known
    if (counts.size >= mostCachedWords) counts.clear()
    const counted = countTokens(word)
    counts.set(detached(word), counted)
    return counted
  }
}

/** Sections as spans that cover the text; those of white space only belong to their neighbour. */
function partsOf(text: string, sections: readonly Section[]): Span[] {
  const inner = sections.map(({ start }) => start).filter((start) => start > 0 && start < text.length)
  const starts = [0, ...new Set(inner)].sort((a, b) => a - b)
  const parts: { start: number; end: number }[] = []
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? text.length
    const previous = parts.at(-1)
    const blank = text.slice(start, end).trim() === ''
    const previousBlank = previous && text.slice(previous.start, previous.end).trim() === ''
    if (previous && (blank || previousBlank)) previous.end = end
    else parts.push({ start, end })
  }
  return parts
}

/** Every chunk ends after the one before it, so none lies wholly in another, and one ends at each anchor. */
function* pack(
  text: string,
  units: readonly Unit[],
  { anchors, budget, overlap }: { anchors: readonly number[]; budget: number; overlap: number },
): Generator<Span> {
  const stops = [...anchors, units.length].values()
  let stop = 0
  let first = 0
  let last = 0
  while (last < units.length) {
    if (last === stop) stop = stops.next().value ?? units.length
    const full = Math.min(fill(units, first, budget), stop)
    last = full === stop ? full : bestEnd(text, units, { least: last + 1, full, budget })
    yield { start: units[first]!.start, end: units[last - 1]!.end }
    if (last < units.length) first = Math.max(first + 1, stepBack(units, { end: last, overlap, budget }))
  }
}

/** Index after the last unit that still fits; at least one is taken. */
function fill(units: readonly Unit[], first: number, budget: number): number {
  let sum = units[first]!.tokens
  let next = first + 1
  while (next < units.length && sum + units[next]!.tokens <= budget) sum += units[next++]!.tokens
  return next
}

function bestEnd(
  text: string,
  units: readonly Unit[],
  { least, full, budget }: { least: number; full: number; budget: number },
): number {
  let freed = 0
  let best: { readonly kind: number; readonly end: number } = { kind: ends.length, end: full }
  for (let end = full; end >= least && freed <= budget * searchShare && best.kind > 0; end--) {
    const kind = kindOf(text, units[end - 1]!)
    if (kind < best.kind) best = { kind, end }
    freed += units[end - 1]!.tokens
  }
  return best.end
}

/** How well a chunk ends with a unit; 0 is best. */
function kindOf(text: string, { start, end }: Span): number {
  const unit = text.slice(start, end)
  const kind = ends.findIndex((pattern) => pattern.test(unit))
  return kind < 0 ? ends.length : kind
}

/** First unit of the next chunk: the last ones of this chunk that make up the overlap and leave room for the unit after them. */
function stepBack(
  units: readonly Unit[],
  { end, overlap, budget }: { end: number; overlap: number; budget: number },
): number {
  const room = Math.min(overlap, budget - units[end]!.tokens)
  let next = end
  let sum = 0
  while (next > 0 && sum + units[next - 1]!.tokens <= room) sum += units[--next]!.tokens
  return next
}

/** FNV-1a of the characters before an offset, its bits mixed once more. */
function hashOf(text: string, offset: number): number {
  let hash = 0x811c9dc5
  for (let at = Math.max(0, offset - markCharacters); at < offset; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return (hash ^ (hash >>> 16)) >>> 0
}

function middleOf(text: string, { start, end }: Span): number {
  const middle = (start + end) >> 1
  const code = text.charCodeAt(middle)
  return code >= 0xdc00 && code <= 0xdfff ? middle - 1 : middle
}
