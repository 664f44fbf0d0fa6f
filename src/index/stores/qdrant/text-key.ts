import { own } from '../../../shared/index.ts'

type Sample = Readonly<Record<string, unknown>>

/** Last keys that others keep texts under: LangChain, fastembed's clients and mcp-server-qdrant, LlamaIndex, Haystack, Spring, and hand-made ones. */
const usualKeys: ReadonlySet<string> = new Set([
  ...['page_content', 'document', 'text', 'content', 'doc_content', 'chunk', 'passage', 'body', 'abstract'],
  ...['description', 'pageContent'],
])
/** A usual key stands against another one whose texts are this much longer. */
const usualFactor = 3
const deepest = 3
/** Characters of a text that are looked at. */
const looked = 4_000

/** The string under a key, or under keys joined by dots: of nested objects, or of objects in a string as JSON (`_node_content.text`). */
export function textAt(payload: Sample, path: string): string | undefined {
  const whole = own(payload, path)
  if (typeof whole === 'string') return whole
  let value: unknown = payload
  for (const key of path.split('.')) {
    const object = objectIn(value)
    value = object && own(object, key)
  }
  return typeof value === 'string' ? value : undefined
}

/**
 * Where the texts of a collection are, by measure: the key whose strings are the most text, the mean of the square roots of their lengths, so that
 * neither a key that most points have not nor a single long string wins. Undefined where there are no strings.
 */
export function findTextKey(samples: readonly Sample[]): string | undefined {
  const measures = new Map<string, number>()
  for (const sample of samples) {
    for (const [path, text] of stringsIn(sample, [])) {
      const usual = usualKeys.has(path.at(-1) ?? '') ? usualFactor : 1
      const key = path.join('.')
      measures.set(key, (measures.get(key) ?? 0) + Math.sqrt(amountOfText(text) * usual))
    }
  }
  return [...measures].sort(([, a], [, b]) => b - a)[0]?.[0]
}

function* stringsIn(object: Sample, path: readonly string[]): Generator<[path: readonly string[], text: string]> {
  for (const [key, value] of Object.entries(object)) {
    const at = [...path, key]
    const inner = objectIn(value)
    if (inner && at.length < deepest) yield* stringsIn(inner, at)
    else if (typeof value === 'string') yield [at, value]
  }
}

/** How much of a string is text for people: of markup what it marks; of an address, a number, or an encoded file hardly anything. */
function amountOfText(string: string): number {
  const text = string.slice(0, looked).replace(/<[^<>]{1,200}>/g, ' ')
  const letters = text.match(/\p{L}/gu)?.length ?? 0
  const words =
    text.match(/\s+|[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmr}\p{scx=Mymr}]/gu)?.length ??
    0
  const isText = letters * 2 > text.length && words * 40 > text.length - 40 && !/^\w+:\/\/\S+$/.test(text)
  return isText ? text.length * (string.length / Math.min(string.length, looked)) : text.length / 100
}

function objectIn(value: unknown): Sample | undefined {
  if (isObject(value)) return value
  if (typeof value !== 'string' || !value.startsWith('{')) return undefined
  try {
    const parsed: unknown = JSON.parse(value)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Sample {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
