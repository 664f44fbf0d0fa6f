import type { JsonObject, JsonValue } from '../../../shared/index.ts'

/**
 * Qdrant takes well-formed strings only, and its paths cannot name a key with a quote or backslash. What it does not take is written with
 * the last 2,304 private-use characters (U+10F700 on), one for one, so equality and substrings stay what they were; everything else stays itself.
 */
const halves = 0x10f800
const keyCharacters = 0x10f700
const firstSurrogate = 0xd800

export function encodeText(text: string): string {
  return text.replace(/[\ud800-\udfff\u{10f700}-\u{10ffff}]/gu, (odd) =>
    odd
      .split('')
      .map((unit) => String.fromCodePoint(halves + unit.charCodeAt(0) - firstSurrogate))
      .join(''),
  )
}

export function decodeText(text: string): string {
  return text.replace(/[\u{10f800}-\u{10ffff}]/gu, (half) =>
    String.fromCharCode(firstSurrogate + (half.codePointAt(0) ?? halves) - halves),
  )
}

export function encodeKey(key: string): string {
  if (key === '') return String.fromCodePoint(keyCharacters)
  return encodeText(key).replace(/["\\]/g, (odd) => String.fromCodePoint(keyCharacters + odd.charCodeAt(0)))
}

export function decodeKey(key: string): string {
  const plain = key.replace(/[\u{10f700}-\u{10f7ff}]/gu, (odd) => {
    const code = (odd.codePointAt(0) ?? keyCharacters) - keyCharacters
    return code === 0 ? '' : String.fromCharCode(code)
  })
  return decodeText(plain)
}

/** A path as Qdrant reads it: every key quoted that needs it, dots and all. */
export function pathTo(keys: readonly string[]): string {
  return keys.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : `"${encodeKey(key)}"`)).join('.')
}

export const encodeJson = (value: JsonObject) => mapObject(value, encodeKey, encodeText)
export const decodeJson = (value: JsonObject) => mapObject(value, decodeKey, decodeText)

type Rewrite = (text: string) => string

function mapObject(object: JsonObject, key: Rewrite, text: Rewrite): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [key(name), mapValue(value, key, text)]))
}

function mapValue(value: JsonValue, key: Rewrite, text: Rewrite): JsonValue {
  if (typeof value === 'string') return text(value)
  if (typeof value !== 'object' || value === null) return value
  return isList(value) ? value.map((element) => mapValue(element, key, text)) : mapObject(value, key, text)
}

function isList(value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value)
}
