import { readFile } from 'node:fs/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import { Hono } from 'hono'
import { packageFile } from '../../shared/index.ts'
import type { ApiEnv } from '../context.ts'

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>qontrast: reference</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`
const start = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#reference', deepLinking: true, validatorUrl: null })\n`
const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
}

/** The reference may run its own script and style, and read the document. */
export const referenceHeaders = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
  },
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
}

/** The rendered reference, from files of this package: it needs no network. */
export function referenceRoutes() {
  const app = new Hono<ApiEnv>()
  app.get('/docs', (c) => c.html(page))
  app.get('/docs/start.js', (c) => c.body(start, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }))
  for (const [name, type] of Object.entries(assets)) {
    let content: Promise<Buffer> | undefined
    app.get(`/docs/${name}`, async (c) => {
      content ??= compressed(name)
      const headers = { 'Content-Type': type, 'Cache-Control': 'max-age=3600', Vary: 'Accept-Encoding' }
      if (!/\bgzip\b/.test(c.req.header('Accept-Encoding') ?? ''))
        return c.body(new Uint8Array(gunzipSync(await content)), 200, headers)
      return c.body(new Uint8Array(await content), 200, { ...headers, 'Content-Encoding': 'gzip' })
    })
  }
  return app
}

/** Compressed already in the package; in its own repository as npm put it. */
async function compressed(name: string): Promise<Buffer> {
  const file = packageFile(`dist/swagger-ui/${name}.gz`, `node_modules/swagger-ui-dist/${name}`)
  const content = await readFile(file)
  return file.endsWith('.gz') ? content : gzipSync(content)
}
