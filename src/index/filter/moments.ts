import { type JsonValue, momentOf } from '../../shared/index.ts'

/** The instants that a value, or its elements, name; in milliseconds since 1970. */
export function momentsOf(value: JsonValue): number[] {
  const elements: readonly JsonValue[] = Array.isArray(value) ? value : [value]
  return elements.flatMap((element) => (typeof element === 'string' ? (momentOf(element) ?? []) : []))
}
