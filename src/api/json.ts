import { type JsonValue, QontrastError } from '../shared/index.ts'

const deepest = 64
/** What these hold is the caller's own: nulls in it are data, or wrong. */
const verbatim = new Set(['payload', 'filter', 'fields'])

/** Brackets outside strings: what is nested too deep is refused before anything walks it. */
export function checkDepth(text: string): void {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > deepest)
        throw new QontrastError('malformed', `The JSON is nested more than ${deepest} levels deep.`)
    } else if (code === 0x5d || code === 0x7d) depth--
  }
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
