import { OpenAPIHono } from '@hono/zod-openapi'
import { QontrastError } from '../../shared/index.ts'
import { answerJson } from '../answer-json.ts'
import type { ApiContext, ApiEnv, Services } from '../context.ts'
import { ndjson } from '../middleware/json-body.ts'
import { openView } from '../open-view.ts'
import { putStream } from './put-stream.ts'
import {
  countDocuments,
  deleteDocument,
  deleteDocumentByPath,
  deleteDocuments,
  getDocument,
  getDocumentByPath,
  getDocuments,
  putDocuments,
  scrollDocuments,
  streamDocuments,
} from './routes.ts'

/** Documents: put, get, delete, scroll, count. */
export function documentRoutes(services: Services) {
  const { limits } = services
  const view = openView(services)

  function checkMost(what: string, count: number): void {
    if (count <= limits.documentsPerBatch) return
    throw new QontrastError('invalid-input', `${count} ${what}; at most ${limits.documentsPerBatch} a call.`)
  }

  async function documentOf(c: ApiContext, id: string) {
    const [document] = await (await view(c)).get([id])
    if (!document) throw new QontrastError('not-found', `There is no document ${JSON.stringify(id)}.`)
    return document
  }

  async function deletionOf(c: ApiContext, id: string) {
    return { deleted: await (await view(c)).delete({ ids: [id] }) }
  }

  const routes = new OpenAPIHono<ApiEnv>()
    .openapi(putDocuments, async (c) => {
      const { documents } = c.req.valid('json')
      checkMost('documents', documents.length)
      const report = await (await view(c)).put(documents, c.var.signal)
      return c.json({ ...report, failed: [...report.failed] }, 200)
    })
    .openapi(streamDocuments, async (c) => {
      const type = c.req.header('content-type')
      if (type?.split(';')[0]?.trim().toLowerCase() !== ndjson)
        throw new QontrastError('unsupported-media-type', `The content type must be ${ndjson}.`)
      return c.body(await putStream(c, await view(c), services), 200, { 'content-type': ndjson })
    })
    .openapi(getDocuments, async (c) => {
      const { ids } = c.req.valid('json')
      checkMost('ids', ids.length)
      const documents = await (await view(c)).get(ids)
      return answerJson(c, { documents: documents.map((document) => document ?? null) })
    })
    .openapi(deleteDocuments, async (c) => {
      const selection = c.req.valid('json')
      if ('ids' in selection) checkMost('ids', selection.ids.length)
      return c.json({ deleted: await (await view(c)).delete(selection) }, 200)
    })
    .openapi(scrollDocuments, async (c) => {
      const { documents, cursor = null } = await (await view(c)).scroll(c.req.valid('json'))
      return answerJson(c, { documents: [...documents], cursor })
    })
    .openapi(countDocuments, async (c) =>
      c.json({ count: await (await view(c)).count(c.req.valid('json').filter) }, 200),
    )
    .openapi(getDocument, async (c) => c.json(await documentOf(c, c.req.valid('param').id), 200))
    .openapi(deleteDocument, async (c) => c.json(await deletionOf(c, c.req.valid('param').id), 200))
  routes.openapi(getDocumentByPath, async (c) => c.json(await documentOf(c, c.req.valid('param').id), 200))
  routes.openapi(deleteDocumentByPath, async (c) => c.json(await deletionOf(c, c.req.valid('param').id), 200))
  return routes
}
