import { createRoute, z } from '@hono/zod-openapi'
import { answer, bodyRefusals, conflict, guarded, indexParam, missing, refusals, timeoutHeader } from '../route.ts'

export const jobSchema = z
  .object({
    index: z.string(),
    kind: z.enum(['reindex', 'rollback']),
    model: z.string().nullable(),
    status: z.enum(['running', 'done', 'failed']),
    progress: z
      .object({ pass: z.int(), documents: z.int(), total: z.int(), chunks: z.int() })
      .nullable()
      .openapi({ description: 'The first pass embeds; those after it mend what changed meanwhile.' }),
    report: z
      .object({ index: z.string(), from: z.string(), to: z.string(), documents: z.int(), chunks: z.int() })
      .nullable(),
    failure: z.object({ code: z.string(), reason: z.string() }).nullable(),
  })
  .openapi('Job')

const eventSchema = z
  .object({
    event: z.literal('job'),
    data: z.string().openapi({ description: 'A Job, as JSON.' }),
  })
  .openapi('JobEvent', { description: 'One event.' })

/** Typed as any string, as `ndjson` is. */
const eventStream: string = 'text/event-stream'
const tags = ['Re-indexing']
const base = '/v1/indexes/{index}/reindex'
const json = <T extends z.ZodType>(schema: T) => ({
  required: true as const,
  content: { 'application/json': { schema } },
})
const nothing = json(z.strictObject({}))

export const startReindex = createRoute({
  method: 'post',
  path: base,
  operationId: 'startReindex',
  summary: 'Put an index on another model, while it is searched and written.',
  description:
    'Broken off, it goes on where it was when it is started again. The vectors before are kept for a rollback.',
  tags,
  ...guarded('admin'),
  request: {
    params: indexParam,
    headers: timeoutHeader,
    body: json(z.strictObject({ model: z.string().openapi({ description: 'One of /v1/models.' }) })),
  },
  responses: { 202: answer(jobSchema, 'It has begun.'), ...refusals, ...bodyRefusals, ...missing, ...conflict },
})

export const getReindex = createRoute({
  method: 'get',
  path: base,
  operationId: 'getReindex',
  summary: 'How far a re-index is, or how the last one ended.',
  tags,
  ...guarded('admin'),
  request: { params: indexParam, headers: timeoutHeader },
  responses: { 200: answer(jobSchema, 'The job.'), ...refusals, ...missing },
})

export const watchReindex = createRoute({
  method: 'get',
  path: `${base}/events`,
  operationId: 'watchReindex',
  summary: 'The same as server-sent events, until it has ended.',
  tags,
  ...guarded('admin'),
  request: { params: indexParam, headers: timeoutHeader },
  responses: {
    200: {
      description: 'An event `job` for each change; its data is the job.',
      content: { [eventStream]: { schema: eventSchema } },
    },
    ...refusals,
    ...missing,
  },
})

export const rollBack = createRoute({
  method: 'post',
  path: `${base}/rollback`,
  operationId: 'rollBack',
  summary: 'Go back to the model before, with all that was written since; or give up an unfinished re-index.',
  tags,
  ...guarded('admin'),
  request: { params: indexParam, headers: timeoutHeader, body: nothing },
  responses: { 202: answer(jobSchema, 'It has begun.'), ...refusals, ...bodyRefusals, ...missing, ...conflict },
})

export const dropOld = createRoute({
  method: 'post',
  path: `${base}/drop-old`,
  operationId: 'dropOld',
  summary: 'Drop the vectors that a rollback would go back to.',
  tags,
  ...guarded('admin'),
  request: { params: indexParam, headers: timeoutHeader, body: nothing },
  responses: {
    200: answer(z.object({ dropped: z.string().nullable() }), 'What went; null where there was nothing.'),
    ...refusals,
    ...bodyRefusals,
    ...missing,
  },
})
