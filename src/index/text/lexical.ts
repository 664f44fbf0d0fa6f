import { stemmer } from 'stemmer'
import type { PointRecord } from '../stores/store.ts'
import { detached } from './detached.ts'
import { foldText, foldWord } from './fold-text.ts'

const word = String.raw`[\p{L}\p{N}][\p{L}\p{N}\p{M}]*`
/** What holds a compound together: `e-mail`, `snake_case`, `node.js`, `O'Brien`, `AT&T`, `1,000`, an abbreviation in Hebrew. */
const joint = String.raw`(?:[-_.'&]|(?<=\p{N}),(?=\p{N}{3}(?!\p{N}))|(?<=\p{Script=Hebrew})["\u05f4](?=\p{Script=Hebrew}))`
const compounds = new RegExp(
  String.raw`(?:(?<![\p{L}\p{N}\p{M}.])\.(?=\p{L}))?${word}(?:${joint}${word})*(?:\+\+|#(?!\p{L}))?`,
  'gu',
)
const pieces = new RegExp(`(${word})`, 'gu')
const signs = /^\.|(?:\+\+|#)$/gu
const versions = /\d+(?:\.\d+)+/g

/** Written without spaces: pairs of characters stand for words. */
const unspaced = String.raw`[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}]`
/** Written without spaces, in words that a dictionary tells. */
const segmented = String.raw`[\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]`
const runs = new RegExp(`(${unspaced}+)|(${segmented}+)|(?:(?!${unspaced}|${segmented}).)+`, 'gu')
const spaceless = new RegExp(`${unspaced}|${segmented}`, 'u')
const characters = /\P{M}\p{M}*/gu
/** `camel|Case`, `parse|JSON`, `XML|Http|Request`; but `mRNA` and `siRNAs` are one word. */
const humps = /(?<=\p{Ll})(?=\p{Lu}\p{Ll})|(?<=\p{Ll}{3})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll}{2})/gu
const segmenter = new Intl.Segmenter('th', { granularity: 'word' })

const ascii = /^[a-z0-9]+$/
const plainWord = /^(?:[A-Za-z]?[a-z0-9]+|[A-Z0-9]+)$/
const longestTerm = 64
/** Endings that an apostrophe cuts off in English; the word in front of it is the same. */
const endings = new Set(['s', 're', 've', 'll', 'd', 'm'])

/** English function words: they carry no topic, and dropping them makes the index a third smaller. */
const stopWords = new Set(
  'a an and are as at be but by for from has have if in into is it its no not of on or s such t that the their then there these they this to was were what which who will with'.split(
    ' ',
  ),
)

/** Part of a folded text `[start, end)` that counts as one term. */
export interface LexicalToken {
  readonly start: number
  readonly end: number
  readonly term: string
  /** Only texts have it, for queries of a single character or half a word: longer ones ask for what is more telling. */
  readonly single: boolean
}

/**
 * The terms of a query for BM25: folded (`foldText`), lower case, English words stemmed (Porter); compounds and names of programs
 * whole and by their parts; Chinese, Japanese and Korean as pairs of characters, Thai, Lao, Khmer and Burmese by a dictionary.
 */
export function lexicalTerms(text: string): string[] {
  const terms: string[] = []
  for (const { term, single } of lexicalTokens(foldText(text))) if (!single) terms.push(term)
  return terms
}

/** Terms of a chunk, repeated as often as they occur: those of the document's title, then those of its own text. */
export function passageTerms({ title, content }: Pick<PointRecord, 'title' | 'content'>): string[] {
  const terms: string[] = []
  for (const part of [title ?? '', content.text]) for (const { term } of lexicalTokens(foldText(part))) terms.push(term)
  return terms
}

/** Terms with their places in a text that was folded by `foldText`. */
export function lexicalTokens(folded: string): LexicalToken[] {
  const tokens: LexicalToken[] = []
  const put = (start: number, end: number, term: string | undefined, single = false) => {
    if (term !== undefined) tokens.push({ start, end, term, single })
  }
  for (const { 0: compound, index } of folded.matchAll(compounds)) {
    if (isWord.test(compound)) {
      putWord(compound, index, put)
      continue
    }
    putWhole(compound, index, put)
    for (const piece of compound.matchAll(pieces)) putWord(piece[0], index + piece.index, put)
  }
  return tokens
}

type Put = (start: number, end: number, term: string | undefined, single?: boolean) => void

const isWord = new RegExp(`^${word}$`, 'u')

/** `C++`, `.NET`, `node.js`, `e-mail` (as `email`), `1.2.3`: what is more than its parts. */
function putWhole(compound: string, index: number, put: Put): void {
  const words = [...compound.matchAll(pieces)]
  const [first, last] = [words[0], words.at(-1)]
  if (!first || !last || spaceless.test(compound)) return
  const start = index + first.index
  const end = index + last.index + last[0].length
  if (compound.startsWith('.')) put(index, start + first[0].length, termOf(`.${first[0]}`))
  if (end < index + compound.length) {
    put(index + last.index, index + compound.length, termOf(last[0] + compound.slice(end - index)))
  }
  if (words.length === 1) return
  const text = compound.replace(signs, '')
  const whole = text.replace(
    /(\d[.-](?=\d))|&|[-_.',"\u05f4]/g,
    (separator, kept: string | undefined) => kept ?? (separator === '&' ? '&' : ''),
  )
  const cut = text.lastIndexOf("'")
  const ends = cut > 0 && endings.has(text.slice(cut + 1).toLowerCase())
  if (!ends) put(start, end, termOf(whole))
  else if (words.length > 2) put(start, start + cut, termOf(whole.slice(0, whole.length - (text.length - cut - 1))))
  for (const version of text.matchAll(versions)) {
    if (version[0] !== whole) put(start + version.index, start + version.index + version[0].length, version[0])
  }
}

/** A word, or the parts of one where scripts meet. */
function putWord(text: string, index: number, put: Put): void {
  if (plainWord.test(text)) {
    put(index, index + text.length, termOf(text))
    return
  }
  for (const { 0: run, 1: unspacedRun, 2: segmentedRun, index: at } of text.matchAll(runs)) {
    const start = index + at
    if (unspacedRun !== undefined) putPairs(run, start, put)
    else if (segmentedRun !== undefined) putSegments(run, start, put)
    else putHumps(run, start, put)
  }
}

function putPairs(run: string, start: number, put: Put): void {
  const all = [...run.matchAll(characters)]
  if (all.length === 1) put(start, start + run.length, run)
  if (all.length === 1) return
  for (const [i, { 0: character, index }] of all.entries()) {
    put(start + index, start + index + character.length, character, true)
    const next = all[i + 1]
    if (next) put(start + index, start + next.index + next[0].length, character + next[0])
  }
}

/** Words of a dictionary, and for texts the two that a longer one is made of: `ประเทศไทย` is found by `ประเทศ`. */
function putSegments(run: string, start: number, put: Put): void {
  for (const { segment, index } of segmenter.segment(run)) {
    const from = start + index
    put(from, from + segment.length, cut(segment))
    const middle = halvesOf(segment)
    if (middle === undefined) continue
    put(from, from + middle, cut(segment.slice(0, middle)), true)
    put(from + middle, from + segment.length, cut(segment.slice(middle)), true)
  }
}

const halves = new Map<string, number | undefined>()
const shortestHalf = 3

/** Where a word of the dictionary falls into two others. */
function halvesOf(segment: string): number | undefined {
  if (halves.has(segment)) return halves.get(segment)
  if (halves.size >= mostKnown) halves.clear()
  const isOne = (part: string) => segmenter.segment(part).containing(0)?.segment.length === part.length
  const cuts = Array.from({ length: Math.min(segment.length, longestTerm) }, (_, i) => i)
  const middle = cuts.find(
    (at) =>
      at >= shortestHalf &&
      segment.length - at >= shortestHalf &&
      isOne(segment.slice(0, at)) &&
      isOne(segment.slice(at)),
  )
  halves.set(detached(segment), middle)
  return middle
}

/** `camelCase` whole, and its parts of two letters or more. */
function putHumps(run: string, start: number, put: Put): void {
  put(start, start + run.length, termOf(run))
  const parts = run.split(humps)
  if (parts.length === 1) return
  let at = start
  for (const part of parts) {
    if (part.length > 1) put(at, at + part.length, termOf(part))
    at += part.length
  }
}

const known = new Map<string, string | undefined>()
const mostKnown = 50_000

/** Undefined for function words. */
function termOf(text: string): string | undefined {
  if (known.has(text)) return known.get(text)
  if (known.size >= mostKnown) known.clear()
  const own = detached(foldWord(text))
  const term = stopWords.has(own) ? undefined : cut(ascii.test(own) ? stemmer(own) : own)
  known.set(detached(text), term)
  return term
}

/** At most 64 UTF-16 units, and no half of a character. */
function cut(term: string): string {
  return term.slice(0, longestTerm).replace(/[\ud800-\udbff]$/, '')
}
