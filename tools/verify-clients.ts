/**
 * Tries the clients that others write against a server: openai, LangChain and AI SDK from npm; openai, LangChain and LlamaIndex from PyPI.
 * They are installed in a temporary folder, never in this package. `PYTHON` names the interpreter that makes the environment.
 *
 *     npm run verify:clients
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { createKey, serve } from '../src/api/index.ts'
import { lancedb, loadEncoder } from '../src/main.ts'

const run = promisify(execFile)
const npmPackages = ['openai', '@langchain/openai', '@langchain/core', 'ai', '@ai-sdk/openai-compatible']
const pypiPackages = ['openai', 'langchain-openai', 'llama-index-embeddings-openai-like']
const texts = ['how is asthma treated?', 'ticks']
const programs = path.join(import.meta.dirname, 'clients')

const answerSchema = z.object({
  vectors: z.record(z.string(), z.array(z.array(z.number()))),
  models: z.array(z.string()),
  model: z.string(),
  refused: z.object({ status: z.number(), code: z.string(), type: z.string(), param: z.string() }),
})

const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-clients-'))
const { key, entry } = createKey({ name: 'clients', scopes: ['read'] })
await using encoder = await loadEncoder()
await using store = lancedb({ path: path.join(folder, 'data') })
const encoders = { default: encoder, 'org/model': encoder }
await using server = await serve({ port: 0, keys: [entry], indexes: { store, encoders } })
const expected = await encoder.encode(texts)

try {
  await tryNpm()
  await tryPyPi()
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function tryNpm(): Promise<void> {
  await writeFile(path.join(folder, 'package.json'), '{"private":true,"type":"module"}')
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...npmPackages], { cwd: folder })
  await copyFile(path.join(programs, 'javascript.mjs'), path.join(folder, 'javascript.mjs'))
  const { stdout } = await run(process.execPath, ['javascript.mjs', `${server.url}/v1`, key], { cwd: folder })
  check('npm', stdout)
}

async function tryPyPi(): Promise<void> {
  const environment = path.join(folder, 'venv')
  const python = path.join(environment, 'bin', 'python')
  await run(process.env['PYTHON'] ?? 'python3', ['-m', 'venv', environment])
  await run(python, ['-m', 'pip', 'install', '--quiet', ...pypiPackages])
  const { stdout } = await run(python, [path.join(programs, 'python.py'), `${server.url}/v1`, key])
  check('PyPI', stdout)
}

/** The encoder's own vectors, to the digits of 32-bit floats; the models; OpenAI's error. */
function check(registry: string, stdout: string): void {
  const { vectors, models, model, refused } = answerSchema.parse(JSON.parse(stdout))
  for (const [client, rows] of Object.entries(vectors)) {
    const same = rows.length === texts.length && rows.every((row, i) => isSame(row, expected.row(i)))
    report(`${client} (${registry}): embeddings`, same)
  }
  report(`openai (${registry}): models`, models.join() === 'default,org/model' && model === 'org/model')
  const { status, code, type, param } = refused
  const isOpenAi = status === 404 && code === 'model-not-found' && type === 'invalid_request_error' && param === 'model'
  report(`openai (${registry}): errors`, isOpenAi)
}

function isSame(row: readonly number[], own: Float32Array): boolean {
  return row.length === own.length && Float32Array.from(row).every((value, i) => value === own[i])
}

function report(what: string, ok: boolean): void {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}`)
  if (!ok) process.exitCode = 1
}
