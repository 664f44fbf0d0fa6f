import { spawn } from 'node:child_process'
import { loadEncoder } from '../../src/main.ts'
import { sharedPath, textsOf } from '../support/data.ts'
import { autocannon, embeddingRequests, eventLoopDelay, startServer, statuses, stop } from './support.ts'

const seconds = 20
const connections = 32

/** `/v1/embeddings` beside the library itself, and beside infinity's server where `INFINITY` and `PYTORCH_MODEL` name its program and weights. */
export async function benchEmbeddings(): Promise<void> {
  const model = sharedPath('models', 'all-minilm-l6-v2')
  const texts = (await textsOf['banking77']?.()) ?? []
  console.log(`MiniLM, ${texts.length} BANKING77 texts, ${connections} connections, ${seconds} s each, texts/s\n`)
  const library = await encodeAll(model, texts)
  console.log(`library, all texts in one call: ${library.toFixed(0)}`)

  const server = await startServer(['--model', `minilm=${model}`])
  for (const size of [1, 16]) {
    await eventLoopDelay(server.url)
    const { rate, answered } = await load(server.url, embeddingRequests(texts, size), size)
    const delay = await eventLoopDelay(server.url)
    console.log(
      `qontrast serve, ${size} a request: ${rate.toFixed(0)} (${(rate / library).toFixed(2)} of the library, goal ≥ 0.9), event loop p99 ${delay.toFixed(1)} ms, ${JSON.stringify(answered)}`,
    )
  }
  await server.stop()
  await benchInfinity(texts)
  console.log(`library again: ${(await encodeAll(model, texts)).toFixed(0)}`)
}

async function encodeAll(model: string, texts: readonly string[]): Promise<number> {
  await using encoder = await loadEncoder(model, { device: 'cpu' })
  await encoder.encode(texts.slice(0, 200))
  const start = performance.now()
  await encoder.encode(texts)
  return texts.length / ((performance.now() - start) / 1_000)
}

async function load(url: string, requests: autocannon.Request[], size: number) {
  await autocannon({ url, connections, duration: 2, requests })
  const result = await autocannon({ url, connections, duration: seconds, requests, timeout: 60 })
  return { rate: (result['2xx'] * size) / result.duration, answered: statuses(result) }
}

async function benchInfinity(texts: readonly string[]): Promise<void> {
  const { INFINITY: program, PYTORCH_MODEL: model } = process.env
  if (!program || !model)
    return console.log('skipped: infinity (INFINITY is its program, PYTORCH_MODEL the folder of its weights: set both)')
  const port = 7997
  const args = ['v2', '--model-id', model, '--served-model-name', 'minilm', '--engine', 'torch', '--device', 'cpu']
  const child = spawn(program, [...args, '--port', String(port), '--host', '127.0.0.1', '--log-level', 'error'], {
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  while (
    !(await fetch(`${url}/models`).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) return console.log(`skipped: infinity ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  for (const size of [1, 16]) {
    const { rate, answered } = await load(url, embeddingRequests(texts, size, '/embeddings'), size)
    console.log(`infinity (torch), ${size} a request: ${rate.toFixed(0)}, ${JSON.stringify(answered)}`)
  }
  await stop(child)
}
