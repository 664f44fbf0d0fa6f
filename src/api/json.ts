import { type JsonValue, QontrastError } from '../shared/index.ts'

/** The shape of what comes as JSON, whatever it is. */
export const jsonLimits = {
  /** Lists and objects in one another. */
  depth: 64,
  /** Entries of one list or object. */
  entries: 20_000,
  /** Entries of all of them. */
  values: 1_000_000,
} as const
/** What these hold is the caller's own: nulls in it are data, or wrong. */
const verbatim = new Set(['payload', 'filter', 'fields'])

const codes = {
  quote: 0x22,
  comma: 0x2c,
  bracket: 0x5b,
  backslash: 0x5c,
  endBracket: 0x5d,
  brace: 0x7b,
  endBrace: 0x7d,
} as const

/** Brackets and commas outside strings: what is too deep (`malformed`) or has too many parts (`invalid-input`) is refused before anything walks it. */
export function checkShape(text: string): void {
  const entries: number[] = []
  let values = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === codes.quote) i = endOfString(text, i)
    else if (code === codes.bracket || code === codes.brace) {
      if (entries.push(1) > jsonLimits.depth)
        throw new QontrastError('malformed', `The JSON is nested more than ${jsonLimits.depth} levels deep.`)
    } else if (code === codes.endBracket || code === codes.endBrace) entries.pop()
    else if (code === codes.comma) {
      const count = (entries.pop() ?? 1) + 1
      entries.push(count)
      if (count > jsonLimits.entries) throw tooMany('a list or object', jsonLimits.entries)
      if (++values >= jsonLimits.values) throw tooMany('all lists and objects together', jsonLimits.values)
    }
  }
}

/** Where a string ends that begins there. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === codes.quote) return i
    if (code === codes.backslash) i++
  }
  return text.length
}

function tooMany(what: string, most: number): QontrastError {
  return new QontrastError(
    'invalid-input',
    `In the JSON, ${what} may have ${most} entries; it has more. Send less at once.`,
  )
}

/** The same without the properties that are null, at every level of a body but in what is the caller's own: null says that a field is absent. */
export function withoutNulls(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.some((one) => typeof one === 'object') ? value.map(withoutNulls) : value
  const kept = Object.entries(value).filter(([, one]) => one !== null)
  return Object.fromEntries(kept.map(([name, one]) => [name, verbatim.has(name) ? one : withoutNulls(one)]))
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
