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

/** How parts of a payload are rewritten; numbers come from the client as BigInt where they are integers past 2^53, whatever its types say. */
interface Rewrite {
  readonly key: (key: string) => string
  readonly text: (text: string) => string
  readonly number: (number: number | bigint) => JsonValue
}

const same = (text: string) => text
const encoding: Rewrite = { key: encodeKey, text: encodeText, number: (number) => encodeNumber(Number(number)) }
const decoding: Rewrite = { key: decodeKey, text: decodeText, number: Number }
const reading: Rewrite = {
  key: same,
  text: same,
  number: (number) => (typeof number === 'bigint' ? String(number) : number),
}

/** A payload as it is stored. */
export const encodeJson = (value: JsonObject) => mapObject(value, encoding)
/** A payload of ours as it was put. */
export const decodeJson = (value: JsonObject) => mapObject(value, decoding)
/** A payload of others: an integer that no number holds is the string of its digits, as in files. */
export const readJson = (value: JsonObject) => mapObject(value, reading)

/** A number past 2^53 is stored as one with a fraction: as an integer it would come back as digits that it never had. */
function encodeNumber(number: number): JsonValue {
  const text = String(number)
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : rawJson(`${text}.0`)
}

function rawJson(text: string): JsonValue {
  const raw: unknown = Reflect.get(JSON, 'rawJSON')
  return typeof raw === 'function' ? raw(text) : Number(text)
}

function mapObject(object: JsonObject, rewrite: Rewrite): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [rewrite.key(name), mapValue(value, rewrite)]),
  )
}

function mapValue(value: JsonValue, rewrite: Rewrite): JsonValue {
  if (typeof value === 'string') return rewrite.text(value)
  if (typeof value === 'number' || typeof value === 'bigint') return rewrite.number(value)
  if (typeof value !== 'object' || value === null) return value
  return isList(value) ? value.map((element) => mapValue(element, rewrite)) : mapObject(value, rewrite)
}

function isList(value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value)
}
