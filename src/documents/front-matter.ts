import { isKind, type JsonObject, type JsonValue } from '../shared/index.ts'

/** A text that begins with fields, parted from them. */
export interface FrontMatter {
  /** How much of the text the fields take; nothing of it where they cannot be read. */
  readonly length: number
  readonly fields: JsonObject
}

const none: FrontMatter = { length: 0, fields: {} }
const largest = 256 * 1024

interface Syntax {
  readonly pattern: RegExp
  readonly parse: (text: string) => Promise<unknown>
}

const syntaxes: readonly Syntax[] = [
  { pattern: /^\ufeff?---[ \t]*\r?\n([\s\S]*?)(?:^|\r?\n)(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/m, parse: parseYaml },
  { pattern: /^\ufeff?\+\+\+[ \t]*\r?\n([\s\S]*?)(?:^|\r?\n)\+\+\+[ \t]*(?:\r?\n|$)/m, parse: parseToml },
]

/** Reads YAML between `---` or TOML between `+++` at the beginning of a text. What cannot be read stays part of the text. */
export async function readFrontMatter(text: string): Promise<FrontMatter> {
  for (const { pattern, parse } of syntaxes) {
    const start = text.slice(0, largest)
    const match = pattern.exec(start)
    if (match?.index !== 0) continue
    const value = await parse(match[1] ?? '').catch(() => undefined)
    const fields = toJson(value, 0)
    if (isObject(fields)) return { length: match[0].length, fields }
  }
  return none
}

/** The fields as payload: names that say where the document is come after `front_`. */
export function frontMatterPayload(fields: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [reserved.has(name) ? `front_${name}` : name, value]),
  )
}

const reserved = new Set(['path', 'root', 'line'])

/** YAML 1.2, with dates as ISO 8601. Aliases are bounded by the library. */
async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml')
  return parse(text, { intAsBigInt: true, logLevel: 'error', customTags: (tags) => [...tags, timestamp] })
}

/** A moment that YAML writes loosely, such as `2024-01-05 10:00:00 +2`; a date alone is ISO already. */
const timestamp = {
  tag: 'tag:yaml.org,2002:timestamp',
  default: true,
  test: /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|[ \t]+)\d{1,2}:\d{2}:\d{2}(?:\.\d+)?(?:[ \t]*(?:Z|[-+]\d{1,2}(?::?\d{2})?))?$/,
  resolve: (text: string): string => isoMoment(text),
}

function isoMoment(text: string): string {
  const [, year = '', month = '', day = '', hour = '', rest = '', zone = 'Z'] =
    /^(\d{4})-(\d{1,2})-(\d{1,2})[Tt \t]+(\d{1,2})(:\d{2}:\d{2}(?:\.\d+)?)[ \t]*(Z|[-+]\d{1,2}(?::?\d{2})?)?$/.exec(
      text,
    ) ?? []
  const two = (digits: string) => digits.padStart(2, '0')
  const [, sign = '', hours = '', minutes = '00'] = /^([-+])(\d{1,2}):?(\d{2})?$/.exec(zone) ?? []
  const offset = sign === '' ? 'Z' : `${sign}${two(hours)}:${minutes}`
  const moment = new Date(`${year}-${two(month)}-${two(day)}T${two(hour)}${rest}${offset}`)
  return Number.isNaN(moment.getTime()) ? text : moment.toISOString()
}

async function parseToml(text: string): Promise<unknown> {
  const { parse } = await import('smol-toml')
  return parse(text, { integersAsBigInt: 'asNeeded' })
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const deepest = 50

/** What the libraries give, as JSON: dates in ISO 8601, integers beyond 2^53 as their digits, nothing infinite. */
function toJson(value: unknown, depth: number): JsonValue | undefined {
  if (depth > deepest) return undefined
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (isKind(value, 'Date')) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
  if (Array.isArray(value)) return value.flatMap((one) => toJson(one, depth + 1) ?? [])
  if (typeof value !== 'object') return undefined
  const entries = Object.entries(value).map(([name, one]) => [name, toJson(one, depth + 1)] as const)
  return Object.fromEntries(entries.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined))
}
