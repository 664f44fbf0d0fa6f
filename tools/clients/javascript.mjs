/** The clients of npm, run in the folder where they are installed: javascript.mjs BASE_URL KEY. Prints what each gives for the same texts. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { OpenAIEmbeddings } from '@langchain/openai'
import { embedMany } from 'ai'
import OpenAI from 'openai'

const [baseURL, apiKey] = process.argv.slice(2)
const texts = ['how is asthma treated?', 'ticks']

const openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 })
const { data } = await openai.embeddings.create({ model: 'default', input: texts })
const models = (await openai.models.list()).data.map(({ id }) => id)
const model = (await openai.models.retrieve('org/model')).id
const refused = await openai.embeddings.create({ model: 'absent', input: 'x' }).catch((error) => error)

const langchain = new OpenAIEmbeddings({ model: 'default', apiKey, configuration: { baseURL }, maxRetries: 0 })
const provider = createOpenAICompatible({ name: 'qontrast', baseURL, apiKey })
const sdk = await embedMany({ model: provider.textEmbeddingModel('default'), values: texts, maxRetries: 0 })

console.log(
  JSON.stringify({
    vectors: {
      openai: data.map(({ embedding }) => embedding),
      langchain: await langchain.embedDocuments(texts),
      'ai-sdk': sdk.embeddings,
    },
    models,
    model,
    refused: { status: refused.status, code: refused.code, type: refused.type, param: refused.param },
  }),
)
