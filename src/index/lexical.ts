import { stemmer } from 'stemmer'
import { detached } from './detached.ts'

const words = /[\p{L}\p{N}\p{M}]+/gu
const cjkRuns = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+/gu
const ascii = /^[a-z0-9]+$/
const longestTerm = 64

/** English function words: they carry no topic, and dropping them makes the index a third smaller. */
const stopWords = new Set(
  'a an and are as at be but by for from has have if in into is it its no not of on or s such t that the their then there these they this to was were what which who will with'.split(
    ' ',
  ),
)

const stems = new Map<string, string>()
const mostStems = 50_000

/**
 * The terms of a text for BM25, repeated as often as they occur: lower case, accents dropped, English words stemmed (Porter),
 * Chinese, Japanese and Korean as pairs of characters. Every store's sparse side uses this one tokenizer.
 */
export function lexicalTerms(text: string): string[] {
  const terms: string[] = []
  for (const [word] of plain(text).matchAll(words)) {
    if (ascii.test(word)) {
      if (!stopWords.has(word)) terms.push(stemOf(word).slice(0, longestTerm))
      continue
    }
    let rest = 0
    for (const run of word.matchAll(cjkRuns)) {
      if (run.index > rest) terms.push(word.slice(rest, run.index).slice(0, longestTerm))
      terms.push(...pairs(run[0]))
      rest = run.index + run[0].length
    }
    if (rest < word.length) terms.push(word.slice(rest).slice(0, longestTerm))
  }
  return terms
}

function plain(text: string): string {
  const folded = text.normalize('NFKC').toLowerCase()
  return folded
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
}

function stemOf(word: string): string {
  const known = stems.get(word)
  if (known !== undefined) return known
  if (stems.size >= mostStems) stems.clear()
  const own = detached(word)
  const stem = stemmer(own)
  stems.set(own, stem)
  return stem
}

function pairs(run: string): string[] {
  const characters = [...run]
  if (characters.length === 1) return characters
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`)
}

/** Terms of a chunk: those of the document's title, then those of its own text. */
export function passageTerms({ title, text }: { readonly title: string | undefined; readonly text: string }): string[] {
  return [...lexicalTerms(title ?? ''), ...lexicalTerms(text)]
}
