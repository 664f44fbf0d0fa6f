import { spawnSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** ONNX Runtime's telemetry gives a user an identity below the home folder before it sends anything. It keeps quiet where CI is set, so it is not set here. */
async function tracesOf(script: string): Promise<string[]> {
  const home = await temporaryFolder()
  const { CI: _, ORT_DISABLE_TELEMETRY: __, XDG_CACHE_HOME: ___, ...env } = process.env
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: { ...env, HOME: home },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return (await readdir(home, { recursive: true })).filter((name) => /microsoft|onnxruntime/i.test(name))
}

const model = './test/fixtures/models/bert-plain'

it('a model that runs in child processes gives its user no identity to report', async () => {
  const script = `
    import { loadEncoder } from './src/main.ts'
    const encoder = await loadEncoder('${model}', { device: 'cpu' })
    await encoder.encode(['a text'])
    await encoder.close()`
  expect(await tracesOf(script)).toEqual([])
})

it('nor does one that runs in the calling process, as fine-tuning does', async () => {
  const script = `
    import { openSession } from './src/runtime/index.ts'
    const { session } = await openSession('${model}/onnx/model.onnx', { device: 'cpu', threads: 1 })
    await session.release()`
  expect(await tracesOf(script)).toEqual([])
})

it.runIf(process.platform === 'linux')('ONNX Runtime alone does, so this would be seen', async () => {
  const script = `
    import { InferenceSession } from 'onnxruntime-node'
    const session = await InferenceSession.create('${model}/onnx/model.onnx')
    await session.release()`
  expect(await tracesOf(script)).not.toEqual([])
})

it('in a worker thread, which cannot tell it to keep quiet, it is not loaded unless the main thread has', async () => {
  const script = (before: string) => `
    import { Worker } from 'node:worker_threads'
    ${before}
    new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
      import { openSession } from '${pathToFileURL(root)}src/runtime/index.ts'
      const { session } = await openSession('${model}/onnx/model.onnx', { device: 'cpu', threads: 1 })
      await session.release()\`)))`
  await expect(tracesOf(script(''))).rejects.toThrow('on the main thread before the worker starts')
  expect(await tracesOf(script("process.env.ORT_DISABLE_TELEMETRY = '1'"))).toEqual([])
})
