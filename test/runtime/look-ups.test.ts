import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const model = path.join(root, 'test/fixtures/models/bert-tracing')
const folder = await temporaryFolder()
const observer = path.join(folder, 'look-ups.so')
const started: ChildProcess[] = []
afterAll(() => Promise.all(started.map(ended)))

/** Names are seen where libc is asked for them, whatever asks: Node, ONNX Runtime, LanceDB. */
const observable = compileObserver()

function compileObserver(): boolean {
  const source = path.join(root, 'test/fixtures/look-ups.c')
  const { status } = spawnSync('cc', ['-shared', '-fPIC', '-o', observer, source, '-ldl'], { stdio: 'inherit' })
  if (process.platform === 'linux' && status === 0) return true
  console.log('skipped: look-ups of names: they are watched on Linux, by a library that cc compiles')
  return false
}

/** Starts a process as a user does, not as CI; resolves once it has said that it is ready. */
async function start(name: string, args: readonly string[]) {
  const log = path.join(folder, `${name}.log`)
  const { CI: _, ORT_DISABLE_TELEMETRY: __, XDG_CACHE_HOME: ___, ...env } = process.env
  await writeFile(log, '')
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...env, HOME: path.join(folder, name), LD_PRELOAD: observer, LOOK_UPS: log },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  started.push(child)
  let output = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  await vi.waitFor(() => expect(output).toMatch(/ready|"serving"/), 60_000)
  /** But for this machine's own. */
  return async () =>
    (await readFile(log, 'utf8')).split('\n').filter((line) => !/^(localhost|127\..*|::1|)$/.test(line))
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const inOneProcess = `
  import { finetune, loadEncoder, openIndex } from './src/main.ts'
  const encoder = await loadEncoder('${model}', { device: 'cpu', workers: 1 })
  const index = await openIndex({ name: 'docs', encoder, path: '${folder}/data' })
  await index.add([{ id: 'a', text: 'the quick fox' }])
  await index.search('fox')
  const pairs = ['one', 'two', 'three', 'four'].map((word) => ({ anchor: word, positive: word + ' fox' }))
  for await (const _ of finetune({ model: '${model}', pairs, out: '${folder}/tuned', epochs: 1, batchSize: 2 }));
  console.log('ready')
  process.stdin.resume()`
const runtimeAlone = `
  import { InferenceSession } from 'onnxruntime-node'
  await InferenceSession.create('${model}/onnx/model.onnx')
  console.log('ready')
  process.stdin.resume()`

it.runIf(observable)(
  'no process looks up a name, where ONNX Runtime alone does in the same time',
  async () => {
    const module = ['--input-type=module', '-e']
    const serve = ['serve', '--port', '0', '--path', `${folder}/served`, '--model', `tiny=${model}`]
    const ours = await Promise.all([
      start('library', [...module, inOneProcess]),
      start('server', ['src/cli/main.ts', ...serve]),
    ])
    const itself = await start('itself', [...module, runtimeAlone]) // started last, so by the time that it reports, they would have
    await vi.waitFor(async () => expect(await itself()).not.toEqual([]), 60_000)
    expect(await Promise.all(ours.map((lookUps) => lookUps()))).toEqual([[], []])
  },
  180_000,
)
