import { createRoute, z } from '@hono/zod-openapi'
import { searchModes } from '../../shared/index.ts'
import { idSchema, payloadSchema } from '../documents/routes.ts'
import { filterSchema } from '../filter-schema.ts'
import { answer, bodyRefusals, bounded, guarded, indexParam, missing, refusals, timeoutHeader } from '../route.ts'

const mostHits = 1_000
const mostDimensions = 16_384
const mostExamples = 100

const examples = (most: number) => z.union([idSchema, z.array(idSchema).min(1).max(most)])

export const querySchema = z
  .union([
    z.string().min(1).openapi(bounded('text')),
    z.strictObject({ vector: z.array(z.number()).min(1).max(mostDimensions) }),
    z.strictObject({ id: idSchema }),
    z.strictObject({ like: examples(mostExamples), unlike: examples(mostExamples - 1).exactOptional() }),
  ])
  .openapi('Query', {
    description:
      'A text; a vector of the size of the index; a document, to find what is like it; or several, and others to be unlike.',
  })

const boundsSchema = z
  .strictObject({ dense: z.number().exactOptional(), bm25: z.number().exactOptional() })
  .openapi('LeastScores', { required: [], minProperties: 1 })

export const searchSchema = z
  .strictObject({
    queries: z
      .array(querySchema)
      .min(1)
      .openapi({ ...bounded('texts'), example: ['how is asthma treated?'] }),
    mode: z.enum(searchModes).exactOptional(),
    filter: filterSchema.exactOptional(),
    groupBy: z.enum(['document', 'chunk']).default('document'),
    limit: z.int().min(1).max(mostHits).default(10),
    offset: z.int().min(0).max(mostHits).default(0),
    fusion: z
      .enum(['scores', 'rrf'])
      .exactOptional()
      .openapi({ description: 'How mode hybrid makes one score of two: of the scores themselves, or of ranks.' }),
    minScore: z.union([z.number(), boundsSchema]).exactOptional().openapi({
      description: 'In mode dense a cosine, in mode bm25 a BM25 score; in mode hybrid an object that bounds either.',
    }),
    exact: z
      .boolean()
      .exactOptional()
      .openapi({ description: 'Compare with every vector, past any approximate index.' }),
  })
  .openapi('Search', { required: ['queries'] })

export const hitSchema = z
  .object({
    id: z.string(),
    score: z.number(),
    scores: z
      .object({ dense: z.number().optional(), bm25: z.number().optional() })
      .openapi({ description: 'The cosine and the BM25 score of the passage; in mode hybrid both.' }),
    title: z.string().optional(),
    passage: z.string(),
    marks: z
      .array(z.tuple([z.int(), z.int()]))
      .openapi({ description: 'Words of the query in the passage: UTF-16 offsets, the end excluded.' }),
    chunk: z.int(),
    start: z.int().openapi({ description: 'Where the passage lies in the text of the document.' }),
    end: z.int(),
    heading: z.string().optional(),
    line: z.int().optional(),
    page: z.int().optional(),
    payload: payloadSchema,
  })
  .openapi('Hit')

export const search = createRoute({
  method: 'post',
  path: '/v1/indexes/{index}/search',
  operationId: 'search',
  summary: 'Search by text, vector or example.',
  description: 'A list of hits for each query, best first.',
  tags: ['Search'],
  ...guarded('read'),
  request: {
    params: indexParam,
    headers: timeoutHeader,
    body: { required: true, content: { 'application/json': { schema: searchSchema } } },
  },
  responses: {
    200: answer(z.object({ results: z.array(z.object({ hits: z.array(hitSchema) })) }), 'In the order of the queries.'),
    ...refusals,
    ...bodyRefusals,
    ...missing,
  },
})
