import type { JsonObject, JsonValue } from '../../../shared/index.ts'
import type { FieldPath } from '../../filter/index.ts'
import { momentsOf } from '../../filter/moments.ts'
import { encodeKey, pathTo } from './json.ts'
import { recordKey } from './layout.ts'

const momentsKey = 'moments'

/** The instants of a payload by field, as they are kept with a point: Qdrant compares numbers exactly, and reads dates in its own way. */
export function momentsIn(payload: JsonObject): Readonly<Record<string, readonly number[]>> {
  const found: [string, number[]][] = []
  const visit = (path: FieldPath, value: JsonValue): void => {
    const moments = momentsOf(value)
    if (moments.length > 0) found.push([encodeKey(keyOf(path)), moments])
    if (isObject(value)) for (const [key, inner] of Object.entries(value)) visit([...path, key], inner)
  }
  for (const [key, value] of Object.entries(payload)) visit([key], value)
  return Object.fromEntries(found)
}

/** Where the instants of a field lie in a point. */
export function momentsPath(path: FieldPath): string {
  return pathTo([recordKey, momentsKey, keyOf(path)])
}

/** The name of a field of the payload itself; for a nested one its path as JSON. */
function keyOf(path: FieldPath): string {
  const [first] = path
  return path.length === 1 && !first.startsWith('[') ? first : JSON.stringify(path)
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
