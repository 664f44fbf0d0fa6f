export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export type JsonObject = { readonly [key: string]: JsonValue }

const integer = /^-?\d+$/

/**
 * JSON.parse, but an integer beyond ±(2^53 − 1) becomes the string of its digits, as a number cannot hold it.
 * Throws a SyntaxError for what is no JSON, and for a number that is too large for any number (`1e400`).
 */
export function parseJson(text: string): JsonValue {
  return mayHoldLargeNumbers(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
}

/**
 * Whether {@link parseJson} may read a text otherwise than JSON.parse: it has 16 digits in a row before a point, or an exponent of three.
 */
export function mayHoldLargeNumbers(text: string): boolean {
  return /(?<![\d.])\d{16}|[eE]\+?\d{3}/.test(text)
}

/** JSON.stringify for what a program gives: a BigInt is written as a number where one holds it, else as the string of its digits. */
export function writeJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? ofBigInt(part) : part))
}

/** For JSON.parse: `source` is the number as it was written. */
function keepDigits(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source ?? ''
  if (integer.test(source)) return source
  if (Number.isFinite(value)) return value
  throw new SyntaxError(`${source.slice(0, 40)} is too large for a number`)
}

function ofBigInt(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
