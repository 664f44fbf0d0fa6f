import type { OpenAPIHono } from '@hono/zod-openapi'
import type { JsonObject, JsonValue } from '../shared/index.ts'
import type { ApiEnv } from './context.ts'
import { charactersPerToken, type Limits } from './limits.ts'
import { isObject, withNullableFields } from './nullable-fields.ts'
import { type Bound, boundKey } from './route.ts'

const info = {
  title: 'qontrast',
  version: '1',
  description:
    'Semantic search over HTTP. Keys are sent as `Authorization: Bearer KEY`. Errors are problems (RFC 9457) with a stable `code`. `X-Request-Timeout` sets a deadline in seconds; every answer carries `X-Request-Id` and `Server-Timing`. Bodies may be compressed with gzip, and answers are where that is accepted. A field that may be left out may be null, which is the same.',
}

/** What stands in the document for `bounded(…)`. */
const bounds: Readonly<Record<Bound, (limits: Limits) => JsonObject>> = {
  documents: ({ documentsPerBatch }) => ({ maxItems: documentsPerBatch }),
  texts: ({ textsPerCall }) => ({ maxItems: textsPerCall }),
  text: ({ tokensPerText }) => ({ maxLength: tokensPerText * charactersPerToken }),
}

/** The OpenAPI 3.1 document of what the app does, as JSON, with the limits in force; paths are relative to where the document lies. */
export function describeApi(app: OpenAPIHono<ApiEnv>, limits: Limits): string {
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' })
  const made = JSON.stringify(app.getOpenAPI31Document({ openapi: '3.1.0', info, servers: [{ url: './' }] }))
  const document: JsonObject = JSON.parse(made, (_, part: JsonValue) => withBound(part, limits))
  return JSON.stringify(withNullableFields(document))
}

function withBound(part: JsonValue, limits: Limits): JsonValue {
  if (!isObject(part) || !(boundKey in part)) return part
  const { [boundKey]: bound, ...schema } = part
  return isBound(bound) ? { ...schema, ...bounds[bound](limits) } : part
}

function isBound(bound: JsonValue | undefined): bound is Bound {
  return typeof bound === 'string' && Object.hasOwn(bounds, bound)
}
