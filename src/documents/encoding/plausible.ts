const scripts = ['Latin', 'Cyrillic', 'Greek', 'Hebrew', 'Arabic', 'Thai', 'Hangul']
const others = (script: string) => scripts.filter((other) => other !== script).map((other) => `\\p{Script=${other}}`)

/** What texts in the right encoding hardly ever hold, and those in a wrong one do. */
const oddities: readonly RegExp[] = [
  // two scripts in one word
  new RegExp(scripts.map((script) => `\\p{Script=${script}}(?=[${others(script).join('')}])`).join('|'), 'gu'),
  // a sign between two letters
  /\p{L}\p{M}*[\u00a1-\u00ac\u00ae-\u00b3\u00b5\u00b6\u00b8\u00b9\u00bb-\u00bf\u00d7\u00f7\u02c7\u02d8-\u02dd\u201a-\u2022\u2026\u2030\u2039\u203a\u20a0-\u20cf\u2100-\u23ff](?=\p{L})/gu,
  // a capital after a small letter, where either is beyond ASCII
  /\p{Ll}(?=\P{ASCII})\p{Lu}|(?=\P{ASCII})\p{Ll}\p{Lu}/gu,
  // half-width kana alone or beside Latin letters
  /[\uff61-\uff9f](?=[A-Za-z])|[A-Za-z](?=[\uff61-\uff9f])|(?<![\uff61-\uff9f])[\uff61-\uff9f](?![\uff61-\uff9f])/gu,
  // lines of boxes beside letters, marks that stand on nothing
  /\p{L}(?=[\u2500-\u25ff])|[\u2500-\u25ff](?=\p{L})|(?:^|[\s\x21-\x7e])\p{Mn}/gu,
  // final forms within a word
  /ς(?=\p{L})|[ךםןףץ](?=[א-ת])/gu,
  // a letter that hardly any text has, and the byte 0xFF
  /ÿ/gu,
]
const unreadable = /[\u0080-\u009f\ufffd]|\p{Co}|\p{Cn}/u
const control = /(?!\s)\p{Cc}/u

/** Letters of Icelandic and Faroese; in other texts they are misread. */
const icelandic = /[ðþÐÞ]/u

/** True where a text looks like one that was decoded rightly. */
export function isPlausible(text: string, encoding: string, language: string | null): boolean {
  if (unreadable.test(text) || (encoding.startsWith('utf-16') && control.test(text))) return false
  if (icelandic.test(text) && language !== 'is' && language !== 'fo') return false
  if (encoding === 'euc-kr' && count(text, /\p{Script=Hangul}/gu) < count(text, /\p{Script=Han}/gu)) return false
  if (/^(?:shift_jis|euc-jp)$/.test(encoding) && !/[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text)) return false
  const beyondAscii = count(text, /\P{ASCII}/gu)
  return oddities.reduce((sum, oddity) => sum + count(text, oddity), 0) < 0.02 * beyondAscii
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}
