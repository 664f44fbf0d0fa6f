import { OpenAPIHono } from '@hono/zod-openapi'
import { streamSSE } from 'hono/streaming'
import { dropOldIndex, reindex, rollbackIndex } from '../../index/index.ts'
import type { ApiEnv, Services } from '../context.ts'
import { createJobs } from './jobs.ts'
import { dropOld, getReindex, rollBack, startReindex, watchReindex } from './routes.ts'

/** Re-indexing: start, watch, roll back, drop what is old. */
export function reindexRoutes({ catalog, streams, draining }: Services) {
  const { store } = catalog
  const jobs = createJobs(draining)

  return new OpenAPIHono<ApiEnv>()
    .openapi(startReindex, async (c) => {
      const { index } = c.req.valid('param')
      const { model } = c.req.valid('json')
      const encoder = catalog.model(model)
      await catalog.open(index)
      const work = jobs.start({ index, kind: 'reindex', model }, (options) =>
        reindex({ store, index, encoder, ...options }),
      )
      return c.json(work, 202)
    })
    .openapi(getReindex, (c) => c.json(jobs.state(c.req.valid('param').index), 200))
    .openapi(watchReindex, (c) => {
      const { index } = c.req.valid('param')
      jobs.state(index)
      const leave = streams.enter()
      return streamSSE(c, async (stream) => {
        const gone = new AbortController()
        stream.onAbort(() => gone.abort())
        try {
          for await (const state of jobs.watch(index, gone.signal)) {
            c.var.checkAccess()
            await stream.writeSSE({ event: 'job', data: JSON.stringify(state) })
          }
        } finally {
          leave()
        }
      })
    })
    .openapi(rollBack, async (c) => {
      const { index } = c.req.valid('param')
      await catalog.open(index)
      const work = jobs.start({ index, kind: 'rollback', model: null }, (options) =>
        rollbackIndex({ store, index, loadEncoder: catalog.byEncoderName, ...options }),
      )
      return c.json(work, 202)
    })
    .openapi(dropOld, async (c) => {
      const { index } = c.req.valid('param')
      await catalog.open(index)
      return c.json({ dropped: (await dropOldIndex({ store, index })) ?? null }, 200)
    })
}
