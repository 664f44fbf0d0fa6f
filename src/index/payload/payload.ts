import { types } from 'node:util'
import {
  isQontrastError,
  type JsonObject,
  type JsonValue,
  messageOf,
  QontrastError,
  writeJson,
} from '../../shared/index.ts'

/** Levels of objects and lists in a payload. */
const deepest = 64

/**
 * A payload as it is kept, which is what JSON says of it: dates become ISO 8601 strings, a key whose value is undefined goes.
 * What JSON would lose or change is refused by `invalid-input`, with the path: NaN, infinity, undefined in a list, functions, symbols, maps, cycles.
 */
export function keptPayload(payload: object): JsonObject {
  let kept: JsonValue | undefined
  try {
    kept = keep(payload, [], new Set())
  } catch (error) {
    if (isQontrastError(error)) throw error
    throw new QontrastError('invalid-input', `payload cannot be read: ${messageOf(error)}`, { cause: error })
  }
  if (isJsonObject(kept)) return kept
  throw new QontrastError('invalid-input', 'payload must be an object, in JSON too.')
}

type Path = readonly (string | number)[]

function keep(value: unknown, path: Path, above: ReadonlySet<object>): JsonValue | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value
    case 'number':
      if (Number.isFinite(value)) return value === 0 ? 0 : value
      throw refused(path, `is ${value}, which JSON cannot say; leave it out, or write null`)
    case 'bigint':
      return JSON.parse(writeJson(value) ?? '')
    case 'object':
      return value === null ? null : keepObject(value, path, above)
    default:
      throw refused(path, `is a ${typeof value}, which JSON cannot say`)
  }
}

function keepObject(value: object, path: Path, above: ReadonlySet<object>): JsonValue | undefined {
  if (above.has(value)) throw refused(path, 'is an object that holds itself')
  if (path.length > deepest) throw refused(path.slice(0, 3), `is nested more than ${deepest} levels deep`)
  if (types.isDate(value)) return keepDate(value, path)
  const within = new Set(above).add(value)
  if (Array.isArray(value)) {
    return Array.from(value, (element: unknown, i) => {
      const kept = keep(element, [...path, i], within)
      if (kept === undefined)
        throw refused([...path, i], 'is undefined, which a list in JSON cannot hold; leave it out, or write null')
      return kept
    })
  }
  const toJson: unknown = Reflect.get(value, 'toJSON')
  if (typeof toJson === 'function') return keep(Reflect.apply(toJson, value, [path.at(-1) ?? '']), path, within)
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1)
  if (
    types.isMap(value) ||
    types.isSet(value) ||
    ArrayBuffer.isView(value) ||
    types.isBoxedPrimitive(value) ||
    types.isRegExp(value)
  )
    throw refused(path, `is a ${name}; write it as a plain object, a list or a string`)
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): [string, JsonValue][] => {
      const kept = keep(inner, [...path, key], within)
      return kept === undefined ? [] : [[key, kept]]
    }),
  )
}

function keepDate(date: Date, path: Path): string {
  if (Number.isFinite(date.getTime())) return date.toISOString()
  throw refused(path, 'is an invalid Date')
}

function refused(path: Path, reason: string): QontrastError {
  const steps = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key.slice(0, 80)}`)).join('')
  return new QontrastError('invalid-input', `payload${steps} ${reason}.`)
}

function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
