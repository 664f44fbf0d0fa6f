import { createRoute, z } from '@hono/zod-openapi'
import { type Fields, fieldsProblem, fieldTypes, mostFields } from '../../index/index.ts'
import { answer, bodyRefusals, conflict, guarded, indexParam, missing, refusals, timeoutHeader } from '../route.ts'

const fieldsOf = z
  .custom<Fields>((value) => fieldsProblem(value) === undefined, {
    error: ({ input }) => fieldsProblem(input) ?? 'is wrong',
  })
  .openapi({
    type: 'object',
    maxProperties: mostFields,
    additionalProperties: { type: 'string', enum: [...fieldTypes] },
    example: { source: 'keyword', year: 'number', published: 'date' },
  })

export const indexSchema = z
  .object({
    name: z.string(),
    model: z.string().nullable().openapi({ description: 'Null where the model that made it is not served.' }),
    dimensions: z.int(),
    fields: fieldsOf,
    textKey: z.string().nullable().optional().openapi({
      description: 'Only of a collection on Qdrant that something else made: the key that its texts were found under.',
    }),
    documents: z.int().openapi({ description: 'Those that the key may see.' }),
    chunks: z.int().optional().openapi({ description: 'Not shown to a key that is bound to a filter; nor are bytes.' }),
    bytes: z.int().optional(),
  })
  .openapi('Index')

export const createIndexSchema = z
  .strictObject({
    name: indexParam.shape.index,
    model: z.string().optional().openapi({ description: 'One of /v1/models; the first by default.' }),
    fields: fieldsOf.default({}).openapi({ description: 'Payload fields that filters should be fast on.' }),
  })
  .openapi('CreateIndex')

const tags = ['Indexes']

export const listIndexes = createRoute({
  method: 'get',
  path: '/v1/indexes',
  operationId: 'listIndexes',
  summary: 'List the indexes.',
  tags,
  ...guarded('read'),
  request: { headers: timeoutHeader },
  responses: { 200: answer(z.object({ indexes: z.array(indexSchema) }), 'The indexes.'), ...refusals },
})

export const createIndex = createRoute({
  method: 'post',
  path: '/v1/indexes',
  operationId: 'createIndex',
  summary: 'Make an index.',
  tags,
  ...guarded('admin'),
  request: {
    headers: timeoutHeader,
    body: { required: true, content: { 'application/json': { schema: createIndexSchema } } },
  },
  responses: { 201: answer(indexSchema, 'The index.'), ...refusals, ...bodyRefusals, ...missing, ...conflict },
})

export const describeIndex = createRoute({
  method: 'get',
  path: '/v1/indexes/{index}',
  operationId: 'describeIndex',
  summary: 'Describe an index.',
  tags,
  ...guarded('read'),
  request: { params: indexParam, headers: timeoutHeader },
  responses: { 200: answer(indexSchema, 'The index.'), ...refusals, ...missing },
})

export const deleteIndex = createRoute({
  method: 'delete',
  path: '/v1/indexes/{index}',
  operationId: 'deleteIndex',
  summary: 'Delete an index with all its documents.',
  tags,
  ...guarded('admin'),
  request: { params: indexParam, headers: timeoutHeader },
  responses: { 204: { description: 'It is gone.' }, ...refusals, ...missing },
})
