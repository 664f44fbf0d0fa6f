import { OpenAPIHono } from '@hono/zod-openapi'
import { createPace, normalizeInPlace, QontrastError } from '../../shared/index.ts'
import { answerJson } from '../answer-json.ts'
import type { ApiEnv, Services } from '../context.ts'
import { createEmbeddings, getModel, getModelByPath, listModels } from './routes.ts'

/** OpenAI's embeddings and models. */
export function embeddingRoutes({ catalog, limits }: Services) {
  const started = Math.floor(Date.now() / 1_000)

  const described = (id: string) => ({
    id,
    object: 'model' as const,
    created: started,
    owned_by: 'qontrast',
    dimensions: catalog.model(id).dimensions,
  })

  const routes = new OpenAPIHono<ApiEnv>()
    .openapi(createEmbeddings, async (c) => {
      const { model, input, encoding_format, dimensions, purpose } = c.req.valid('json')
      const texts = typeof input === 'string' ? [input] : input
      if (texts.length > limits.textsPerCall)
        throw new QontrastError(
          'invalid-input',
          `input has ${texts.length} texts; at most ${limits.textsPerCall} a call.`,
        )
      const encoder = catalog.model(model)
      if (dimensions !== undefined && dimensions > encoder.dimensions)
        throw new QontrastError(
          'invalid-option',
          `dimensions is ${dimensions}; the model '${model}' has ${encoder.dimensions}.`,
        )
      const { vectors, cost } = await encoder.embed(texts, { purpose, signal: c.var.signal })
      const write = encoding_format === 'base64' ? toBase64 : toNumbers
      const pace = createPace()
      const data: { object: 'embedding'; index: number; embedding: string | number[] }[] = []
      for (let index = 0; index < texts.length; index++) {
        await pace()
        data.push({ object: 'embedding', index, embedding: write(cut(vectors.row(index), dimensions)) })
      }
      if (encoding_format === 'base64') c.header('Cache-Control', 'no-transform') // compression would gain little
      const usage = { prompt_tokens: cost, total_tokens: cost }
      return answerJson(c, { object: 'list' as const, data, model, usage })
    })
    .openapi(listModels, (c) => {
      const data = [...catalog.models.keys()].map(described)
      return c.json({ object: 'list' as const, data }, 200)
    })
    .openapi(getModel, (c) => c.json(described(c.req.valid('param').id), 200))
  routes.openapi(getModelByPath, (c) => c.json(described(c.req.valid('param').id), 200))
  return routes
}

function cut(vector: Float32Array, dimensions: number | undefined): Float32Array {
  if (dimensions === undefined || dimensions === vector.length) return vector
  return normalizeInPlace(vector.slice(0, dimensions))
}

const toNumbers = (vector: Float32Array) => Array.from(vector)

/** 32-bit floats, little-endian on every machine. */
function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  vector.forEach((value, i) => bytes.writeFloatLE(value, i * 4))
  return bytes.toString('base64')
}
