import type { JsonObject, JsonValue } from '../shared/index.ts'

/** An OpenAPI document in which every field of a request's body that may be left out may be null too, as the server takes it. */
export function withNullableFields(document: JsonObject): JsonObject {
  const { paths, components } = document
  const schemas = isObject(components) && isObject(components['schemas']) ? components['schemas'] : {}
  const bodies = Object.values(isObject(paths) ? paths : {})
    .flatMap((path) => Object.values(isObject(path) ? path : {}))
    .flatMap((operation) => (isObject(operation) && operation['requestBody'] ? [operation['requestBody']] : []))
  const sent = namesWithin(bodies, schemas)
  const nullable = Object.entries(schemas).map(([name, schema]) => [name, sent.has(name) ? nulled(schema) : schema])
  return {
    ...document,
    components: { ...(isObject(components) ? components : {}), schemas: Object.fromEntries(nullable) },
    paths: mapped(paths ?? {}, (key, value) => (key === 'requestBody' ? required(value) : value)),
  }
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schemas that something refers to, directly or through others. */
function namesWithin(value: JsonValue, schemas: JsonObject, found = new Set<string>()): Set<string> {
  for (const [, name = ''] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (found.has(name)) continue
    found.add(name)
    namesWithin(schemas[name] ?? null, schemas, found)
  }
  return found
}

const required = (body: JsonValue): JsonValue => (isObject(body) ? { ...nulled(body), required: true } : body)

/** What is null says nothing, so an unknown field may be null as well. */
function nulled(value: JsonObject): JsonObject
function nulled(value: JsonValue): JsonValue
function nulled(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(nulled)
  if (!isObject(value)) return value
  const { properties, required: names } = value
  const parts = Object.entries(value).map(([key, part]) => [key, nulled(part)])
  if (!isObject(properties)) return Object.fromEntries(parts)
  const needed = new Set(Array.isArray(names) ? names : [])
  const fields = Object.entries(properties).map(([name, schema]) => [
    name,
    needed.has(name) ? nulled(schema) : { anyOf: [nulled(schema), { type: 'null' }] },
  ])
  const others = value['additionalProperties'] === false ? { additionalProperties: { type: 'null' } } : {}
  return { ...Object.fromEntries(parts), ...others, properties: Object.fromEntries(fields) }
}

function mapped(value: JsonValue, change: (key: string, value: JsonValue) => JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((part) => mapped(part, change))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, change(key, mapped(part, change))]))
}
