import { createRoute, z } from '@hono/zod-openapi'
import type { JsonObject } from '../../shared/index.ts'
import { filterSchema } from '../filter-schema.ts'
import { ndjson } from '../middleware/json-body.ts'
import { answer, bodyRefusals, bounded, guarded, indexParam, missing, refusals, timeoutHeader } from '../route.ts'

/** Characters; of 1,024 bytes at most, the rest is room for what is before ids of bound keys, which others see. */
const longestStoredId = 1_060
const mostOnAPage = 1_000
const mostSections = 10_000

export const payloadSchema = z
  .custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'A payload is an object.',
  )
  .openapi('Payload', { type: 'object', description: 'Any JSON; comes back with hits, and filters look at it.' })

export const idSchema = z.string().min(1).max(longestStoredId)

export const documentSchema = z
  .strictObject({
    id: z.union([idSchema, z.int().transform(String)]).openapi({
      description: 'At most 1,024 bytes; an integer becomes its digits. The same id replaces the document.',
      example: 'asthma',
    }),
    text: z.string().min(1).openapi({ example: 'Asthma is treated with inhaled corticosteroids.' }),
    title: z.string().exactOptional(),
    payload: payloadSchema.exactOptional(),
    sections: z
      .array(
        z
          .strictObject({
            start: z.int().nonnegative(),
            heading: z.string().exactOptional(),
            line: z.int().positive().exactOptional(),
            page: z.int().positive().exactOptional(),
          })
          .openapi({ required: ['start'] }),
      )
      .max(mostSections)
      .readonly()
      .exactOptional()
      .openapi({ description: 'Where parts of the text begin (UTF-16 offsets, ascending); no passage crosses one.' }),
  })
  .openapi('Document', { required: ['id', 'text'] })

const failureSchema = z.object({ id: z.string(), code: z.string(), reason: z.string() }).openapi('Failure')

export const putReportSchema = z
  .object({
    added: z.int(),
    updated: z.int(),
    unchanged: z.int(),
    chunks: z.int(),
    failed: z.array(failureSchema).openapi({ description: 'The others are stored all the same.' }),
  })
  .openapi('PutReport')

export const lineSchema = z
  .object({
    line: z.int().openapi({ description: 'Which line of the request, from 1.' }),
    id: z.string().optional(),
    status: z.enum(['stored', 'failed', 'cut']).openapi({
      description: 'The last line of a stream that was cut has `cut`: from its `line` on, nothing has a result.',
    }),
    code: z.string().optional(),
    reason: z.string().optional(),
  })
  .openapi('LineResult')

const tags = ['Documents']
const base = '/v1/indexes/{index}/documents'
const byPath = '/v1/indexes/:index/documents/:id{.+}'
const json = <T extends z.ZodType>(schema: T) => ({
  required: true as const,
  content: { 'application/json': { schema } },
})
const idParam = indexParam.extend({ id: idSchema.openapi({ param: { name: 'id', in: 'path' }, example: 'asthma' }) })
const deletedSchema = z.object({ deleted: z.int() })

export const putDocuments = createRoute({
  method: 'put',
  path: base,
  operationId: 'putDocuments',
  summary: 'Put documents by id.',
  description: 'What did not change costs nothing. A bad document is reported and never loses the others.',
  tags,
  ...guarded('write'),
  request: {
    params: indexParam,
    headers: timeoutHeader,
    body: json(z.strictObject({ documents: z.array(documentSchema).openapi(bounded('documents')) })),
  },
  responses: { 200: answer(putReportSchema, 'What became of them.'), ...refusals, ...bodyRefusals, ...missing },
})

/** No `required`: with it, both content types of the gate would have to match. */
export const streamDocuments = createRoute({
  method: 'post',
  path: base,
  operationId: 'streamDocuments',
  summary: 'Put a stream of documents: a document a line in, a result a line out.',
  description:
    'Results come while the stream goes on, in the order of the lines; lines that are there are stored together. A stream that is cut ends with a line that says so, and why: send the lines from there on again. The body may be compressed with gzip.',
  tags,
  ...guarded('write'),
  request: {
    params: indexParam,
    headers: timeoutHeader,
    body: { content: { [ndjson]: { schema: documentSchema.openapi({ description: 'One line.' }) } } },
  },
  responses: {
    200: { description: 'A result a line.', content: { [ndjson]: { schema: lineSchema } } },
    ...refusals,
    415: bodyRefusals[415],
    ...missing,
  },
})

export const getDocument = createRoute({
  method: 'get',
  path: `${base}/{id}`,
  operationId: 'getDocument',
  summary: 'Get a document.',
  tags,
  ...guarded('read'),
  request: { params: idParam, headers: timeoutHeader },
  responses: { 200: answer(documentSchema, 'The document.'), ...refusals, ...missing },
})

export const deleteDocument = createRoute({
  method: 'delete',
  path: `${base}/{id}`,
  operationId: 'deleteDocument',
  summary: 'Delete a document.',
  tags,
  ...guarded('write'),
  request: { params: idParam, headers: timeoutHeader },
  responses: { 200: answer(deletedSchema, 'How many went: 1 or 0.'), ...refusals, ...missing },
})

/** The same for ids with slashes that are sent as they are. */
export const getDocumentByPath = createRoute({ ...getDocument, path: byPath, hide: true })
export const deleteDocumentByPath = createRoute({ ...deleteDocument, path: byPath, hide: true })

export const getDocuments = createRoute({
  method: 'post',
  path: `${base}/get`,
  operationId: 'getDocuments',
  summary: 'Get several documents, whatever is in their ids.',
  tags,
  ...guarded('read'),
  request: {
    params: indexParam,
    headers: timeoutHeader,
    body: json(z.strictObject({ ids: z.array(idSchema).min(1).openapi(bounded('documents')) })),
  },
  responses: {
    200: answer(
      z.object({ documents: z.array(z.union([documentSchema, z.null()])) }),
      'In the order of the ids; null where there is none.',
    ),
    ...refusals,
    ...bodyRefusals,
    ...missing,
  },
})

export const deleteDocuments = createRoute({
  method: 'post',
  path: `${base}/delete`,
  operationId: 'deleteDocuments',
  summary: 'Delete documents by id, or those that a filter matches.',
  tags,
  ...guarded('write'),
  request: {
    params: indexParam,
    headers: timeoutHeader,
    body: json(
      z
        .union([
          z.strictObject({ ids: z.array(idSchema).min(1).openapi(bounded('documents')) }),
          z.strictObject({ filter: filterSchema }),
        ])
        .openapi('Selection'),
    ),
  },
  responses: { 200: answer(deletedSchema, 'How many documents went.'), ...refusals, ...bodyRefusals, ...missing },
})

export const scrollDocuments = createRoute({
  method: 'post',
  path: `${base}/scroll`,
  operationId: 'scrollDocuments',
  summary: 'Walk through the documents, a page at a time.',
  tags,
  ...guarded('read'),
  request: {
    params: indexParam,
    headers: timeoutHeader,
    body: json(
      z
        .strictObject({
          filter: filterSchema.exactOptional(),
          limit: z
            .int()
            .min(1)
            .max(mostOnAPage)
            .default(100)
            .openapi({ description: 'At most; a page may have fewer.' }),
          cursor: z.string().min(1).max(4_096).exactOptional().openapi({ description: 'From the page before.' }),
        })
        .openapi({ required: [] }),
    ),
  },
  responses: {
    200: answer(
      z.object({
        documents: z.array(documentSchema),
        cursor: z.string().nullable().openapi({ description: 'Null after the last page.' }),
      }),
      'A page.',
    ),
    ...refusals,
    ...bodyRefusals,
    ...missing,
  },
})

export const countDocuments = createRoute({
  method: 'post',
  path: `${base}/count`,
  operationId: 'countDocuments',
  summary: 'Count the documents, or those that a filter matches.',
  tags,
  ...guarded('read'),
  request: {
    params: indexParam,
    headers: timeoutHeader,
    body: json(z.strictObject({ filter: filterSchema.exactOptional() }).openapi({ required: [] })),
  },
  responses: { 200: answer(z.object({ count: z.int() }), 'How many.'), ...refusals, ...bodyRefusals, ...missing },
})
