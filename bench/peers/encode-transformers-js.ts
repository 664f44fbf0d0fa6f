/** node bench/peers/encode-transformers-js.ts TASK FOLDER: the same through transformers.js's pipeline, batches of 32. */
import path from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { textsOf } from '../support/data.ts'

const [task = 'scifact', folder = ''] = process.argv.slice(2)
const texts = (await textsOf[task]?.()) ?? []
env.allowRemoteModels = false
env.localModelPath = path.dirname(folder)
const extract = await pipeline('feature-extraction', path.basename(folder), { dtype: 'fp32', device: 'cpu' })
const encode = async (inputs: string[]) => {
  for (let start = 0; start < inputs.length; start += 32) {
    await extract(inputs.slice(start, start + 32), { pooling: 'mean', normalize: true })
  }
}
await encode(texts.slice(0, 64))
const start = performance.now()
await encode(texts)
console.log(JSON.stringify({ textsPerSecond: texts.length / ((performance.now() - start) / 1000) }))
process.exit(0)
