/** node bench/peers/encode-qontrast.ts TASK [MODEL]: texts a second of the library, as one line of JSON. */
import { loadEncoder } from '../../src/main.ts'
import { textsOf } from '../support/data.ts'

const [task = 'scifact', model] = process.argv.slice(2)
const texts = (await textsOf[task]?.()) ?? []
await using encoder = await loadEncoder(model, { device: 'cpu' })
await encoder.encode(texts.slice(0, 64))
const start = performance.now()
await encoder.encode(texts)
console.log(JSON.stringify({ textsPerSecond: texts.length / ((performance.now() - start) / 1000) }))
