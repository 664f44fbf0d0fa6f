import { createRoute, z } from '@hono/zod-openapi'
import { answer, bodyRefusals, bounded, guarded, missing, refusals, timeoutHeader } from '../route.ts'

const tokenIds =
  'arrays of token ids are not taken: send texts. In LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False)'

const text = z.string().min(1).openapi(bounded('text'))

/** OpenAI's request, and `purpose`: models with prompts treat a query and a document differently. */
export const embeddingsSchema = z
  .object({
    model: z.string().openapi({ description: 'One of /v1/models.', example: 'default' }),
    input: z
      .union([text, z.array(text).min(1).openapi(bounded('texts'))], {
        error: ({ input }) =>
          isTokenIds(input) ? tokenIds : 'a text or a list of texts is expected, none of them empty',
      })
      .openapi({ example: ['how is asthma treated?'] }),
    encoding_format: z.enum(['float', 'base64']).default('float'),
    dimensions: z.int().positive().optional().openapi({ description: 'Keep the first so many, at unit length again.' }),
    user: z.string().optional().openapi({ description: 'Ignored.' }),
    purpose: z.enum(['query', 'document']).default('document'),
  })
  .openapi('Embeddings')

export const embeddingsAnswer = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({
        object: z.literal('embedding'),
        index: z.int(),
        embedding: z
          .union([z.array(z.number()), z.string()])
          .openapi({ description: 'Numbers; or, in base64, 32-bit floats, little-endian.' }),
      }),
    ),
    model: z.string(),
    usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
  })
  .openapi('EmbeddingsAnswer')

const modelSchema = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.string(),
    dimensions: z.int(),
  })
  .openapi('Model')

const tags = ['OpenAI']

export const createEmbeddings = createRoute({
  method: 'post',
  path: '/v1/embeddings',
  operationId: 'createEmbeddings',
  summary: 'Embed texts, as OpenAI does.',
  tags,
  ...guarded('read'),
  request: {
    headers: timeoutHeader,
    body: { required: true, content: { 'application/json': { schema: embeddingsSchema } } },
  },
  responses: { 200: answer(embeddingsAnswer, 'In the order of the texts.'), ...refusals, ...bodyRefusals, ...missing },
})

export const listModels = createRoute({
  method: 'get',
  path: '/v1/models',
  operationId: 'listModels',
  summary: 'List the models, as OpenAI does.',
  tags,
  ...guarded('read'),
  request: { headers: timeoutHeader },
  responses: {
    200: answer(
      z.object({
        object: z.literal('list'),
        data: z.array(modelSchema),
      }),
      'The models; the first is the default.',
    ),
    ...refusals,
  },
})

export const getModel = createRoute({
  method: 'get',
  path: '/v1/models/{id}',
  operationId: 'getModel',
  summary: 'Describe a model, as OpenAI does.',
  tags,
  ...guarded('read'),
  request: {
    params: z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' }, example: 'default' }) }),
    headers: timeoutHeader,
  },
  responses: { 200: answer(modelSchema, 'The model.'), ...refusals, ...missing },
})

/** The same for an id with slashes in it that are sent as they are. */
export const getModelByPath = createRoute({ ...getModel, path: '/v1/models/:id{.+}', hide: true })

function isTokenIds(input: unknown): boolean {
  const [first] = Array.isArray(input) ? input : []
  return typeof first === 'number' || (Array.isArray(first) && typeof first[0] === 'number')
}
