import { detached } from './detached.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what needs no folding
const onlyAscii = /^[\u0000-\u007f]*$/
/**
 * What is no part of a word: soft hyphens, joiners, zero-width spaces, bidi marks and variation selectors; accents; Hebrew points;
 * Arabic vowel signs and tatweel. Voiced marks of kana (U+3099, U+309A) are none of these.
 */
const dropped =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: texts are decomposed first, so each is a character of its own
  /[\p{Default_Ignorable_Code_Point}\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]/gu

/** Signs and letters that are written in several ways. */
const alike: Readonly<Record<string, string>> = {
  ...each('\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u05f3', "'"),
  ...each('\u2010\u2011\u2012\u2013\u2212\u05be', '-'),
  ...each('أإآٱ', 'ا'),
  ...each('ىی', 'ي'),
  ...each('ک', 'ك'),
  ...each('ة', 'ه'),
}
const alikeSigns = new RegExp(`[${Object.keys(alike).join('')}]`, 'gu')
/** Letters that people type in a simpler form, and the sigma at the end of a word. */
const plainLetters: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
  ħ: 'h',
  ŧ: 't',
  ŋ: 'n',
  ı: 'i',
  ς: 'σ',
}
const foldableLetters = new RegExp(`[${Object.keys(plainLetters).join('')}]`, 'gu')
const otherDigits = /(?![0-9])\p{Nd}/gu

/**
 * A text with everything folded that a search should not tell apart, letters still in their case: compatibility forms, accents,
 * invisible characters, ways of writing a hyphen or an alef, decimal digits. The same for every normal form of the text.
 */
export function foldText(text: string): string {
  if (onlyAscii.test(text)) return text
  return text
    .normalize('NFKC')
    .normalize('NFD')
    .replace(dropped, '')
    .normalize('NFC')
    .replace(alikeSigns, (sign) => alike[sign] ?? sign)
    .replace(otherDigits, digitOf)
}

/** A folded word in lower case, with its letters as they are typed on any keyboard: `Straße` is `strasse`. */
export function foldWord(word: string): string {
  const lower = word.toLowerCase()
  return onlyAscii.test(lower) ? lower : lower.replace(foldableLetters, (letter) => plainLetters[letter] ?? letter)
}

/** A folded text that knows where its parts were in the original. */
export interface FoldedText {
  readonly text: string
  /** UTF-16 offset in the original, of a part of the folded text `[start, end)`. */
  span(start: number, end: number): readonly [start: number, end: number]
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** The same folding, one visible character after the other. */
export function foldWithOffsets(original: string): FoldedText {
  if (onlyAscii.test(original)) return { text: original, span: (start, end) => [start, end] }
  let text = ''
  const starts: number[] = []
  const ends: number[] = []
  for (const { segment, index } of graphemes.segment(original)) {
    const folded = foldText(segment)
    for (let i = 0; i < folded.length; i++) {
      starts.push(index)
      ends.push(index + segment.length)
    }
    text += folded
  }
  return { text, span: (start, end) => [starts[start] ?? original.length, ends[end - 1] ?? original.length] }
}

const digits = new Map<string, string>()

/** Digits of a script follow one another, from 0 to 9. */
function digitOf(character: string): string {
  const known = digits.get(character)
  if (known !== undefined) return known
  const code = character.codePointAt(0) ?? 0
  let value = 0
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value++
  const digit = String(value)
  digits.set(detached(character), digit)
  return digit
}

function each(signs: string, to: string): Record<string, string> {
  return Object.fromEntries([...signs].map((sign) => [sign, to]))
}
