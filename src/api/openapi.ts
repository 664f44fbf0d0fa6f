import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiEnv } from './context.ts'

const info = {
  title: 'qontrast',
  version: '1',
  description:
    'Semantic search over HTTP. Keys are sent as `Authorization: Bearer KEY`. Errors are problems (RFC 9457) with a stable `code`. `X-Request-Timeout` sets a deadline in seconds; every answer carries `X-Request-Id` and `Server-Timing`.',
}

/** The OpenAPI 3.1 document of what the app does; paths are relative to where the document lies. */
export function describeApi(app: OpenAPIHono<ApiEnv>) {
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' })
  return app.getOpenAPI31Document({ openapi: '3.1.0', info, servers: [{ url: './' }] })
}
