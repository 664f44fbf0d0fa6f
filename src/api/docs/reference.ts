import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Hono } from 'hono'
import { QontrastError } from '../../shared/index.ts'
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
      content ??= readFile(locate(name))
      return c.body(new Uint8Array(await content), 200, { 'Content-Type': type, 'Cache-Control': 'max-age=3600' })
    })
  }
  return app
}

/** Beside the built files in the package; in its own repository where npm put it. */
function locate(name: string): string {
  const built = [`./swagger-ui/${name}`, `../swagger-ui/${name}`].map((file) =>
    fileURLToPath(new URL(file, import.meta.url)),
  )
  const found = built.find((file) => existsSync(file))
  if (found) return found
  try {
    return fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`))
  } catch (cause) {
    throw new QontrastError('internal', `${name} is missing beside ${import.meta.url}`, { cause })
  }
}
