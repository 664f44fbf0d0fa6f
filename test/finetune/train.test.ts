import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseModel, serializeModel } from '../../src/graph/index.ts'
import { type FinetuneEvent, type FinetuneOptions, finetune, infoNce, loadEncoder, type Pair } from '../../src/main.ts'
import { createRandom, dot } from '../../src/shared/index.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { fixtures } from '../support/training.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname
const model = path.join(fixtures, 'models', 'bert-tracing')
const words = 'the quick brown fox jumps over lazy dog one two three four five six seven eight nine ten'.split(' ')

/** Pairs that share words: something to learn. */
const pairs: Pair[] = Array.from({ length: 96 }, (_, i) => {
  const random = createRandom(i)
  const pick = (count: number) =>
    Array.from({ length: count }, () => words[Math.floor(random() * words.length)]).join(' ')
  const topic = pick(3)
  return { anchor: `${topic} ${pick(1)} ${i}`, positive: `${pick(2)} ${topic} ${i}` }
})

async function run(options: Partial<FinetuneOptions> & { out: string }): Promise<FinetuneEvent[]> {
  const events: FinetuneEvent[] = []
  for await (const event of finetune({ model, pairs, batchSize: 8, learningRate: 1e-3, ...options })) events.push(event)
  return events
}

const weightsIn = (out: string) => readFile(path.join(out, 'onnx', 'model.onnx'))

let folder: string
let pairsFile: string
let reference: string
beforeAll(async () => {
  folder = await temporaryFolder()
  pairsFile = path.join(folder, 'pairs.jsonl')
  await writeFile(pairsFile, pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(''))
  reference = path.join(folder, 'reference')
  await run({ out: reference, pairs: pairsFile, epochs: 2, checkpointEvery: 4 })
})

test('a run learns, tells its steps, and leaves a model, its card, its settings and its metrics', async () => {
  const out = path.join(folder, 'learns')
  const events = await run({ out, epochs: 3 })
  const steps = events.filter((event) => event.type === 'step-end')
  expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1))
  expect(steps[0]?.rate).toBeGreaterThan(0)
  const mean = (some: typeof steps) => some.reduce((sum, { loss }) => sum + loss, 0) / some.length
  expect(mean(steps.slice(-6))).toBeLessThan(mean(steps.slice(0, 6)) * 0.8)
  expect(events.at(-1)).toMatchObject({ type: 'run-end', steps: 36, out })

  const lines = (await readFile(path.join(out, 'run', 'metrics.jsonl'), 'utf8')).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(events)))
  expect(JSON.parse(await readFile(path.join(out, 'run', 'config.json'), 'utf8'))).toMatchObject({
    batchSize: 8,
    epochs: 3,
  })
  expect(await readFile(path.join(out, 'README.md'), 'utf8')).toContain('bert-tracing')

  await using before = await loadEncoder(model)
  await using after = await loadEncoder(out)
  expect(after.fingerprint).not.toBe(before.fingerprint)
  const closeness = async (encoder: typeof before) => {
    const anchors = await encoder.encode(
      pairs.map(({ anchor }) => anchor),
      { purpose: 'query' },
    )
    const positives = await encoder.encode(pairs.map(({ positive }) => positive))
    const right = pairs.filter((_, i) =>
      pairs.every((__, j) => j === i || dot(anchors.row(i), positives.row(j)) < dot(anchors.row(i), positives.row(i))),
    )
    return right.length
  }
  expect(await closeness(after)).toBeGreaterThan(await closeness(before))
})

test('the same seed gives the same weights, another one others', async () => {
  const [again, other] = [path.join(folder, 'again'), path.join(folder, 'other')]
  await run({ out: again, pairs: pairsFile, epochs: 2 })
  await run({ out: other, pairs: pairsFile, epochs: 2, seed: 7 })
  expect((await weightsIn(again)).equals(await weightsIn(reference))).toBe(true)
  expect((await weightsIn(other)).equals(await weightsIn(reference))).toBe(false)
})

const kills = Number(process.env['QONTRAST_KILLS'] ?? 2)
const random = createRandom(Date.now())
const killedAfter = [3, 14, ...Array.from({ length: kills }, () => 1 + Math.floor(random() * 22))].slice(0, kills)

test.each(killedAfter.map((step, i) => [step, i] as const))(
  'killed after step %i and resumed, a run ends with the weights of one that was not',
  async (step, i) => {
    const out = path.join(folder, `killed-${i}`)
    const args = [
      'finetune',
      '--model',
      model,
      '--pairs',
      pairsFile,
      '--out',
      out,
      '--epochs',
      '2',
      '--batch-size',
      '8',
    ]
    args.push('--learning-rate', '1e-3', '--checkpoint-every', '4', '--json', '--device', 'cpu')
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
    for await (const line of createInterface({ input: child.stdout })) {
      const event: FinetuneEvent = JSON.parse(line)
      if (event.type === 'step-end' && event.step >= step) child.kill('SIGKILL')
    }
    await expect(readFile(path.join(out, 'onnx', 'model.onnx'))).rejects.toThrow()
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...args, '--resume'])
    const [started] = stdout
      .trim()
      .split('\n')
      .map((text): FinetuneEvent => JSON.parse(text))
    expect(started).toMatchObject({ type: 'run-start', resumedFrom: expect.any(Number) })
    if (step > 4 && started?.type === 'run-start') expect(started.resumedFrom).toBeGreaterThanOrEqual(8)
    expect((await weightsIn(out)).equals(await weightsIn(reference))).toBe(true)
  },
)

test('an aborted run keeps a checkpoint of its last step, and resumed gives the same weights', async () => {
  const out = path.join(folder, 'aborted')
  const controller = new AbortController()
  const options = {
    model,
    pairs: pairsFile,
    out,
    batchSize: 8,
    learningRate: 1e-3,
    epochs: 2,
    signal: controller.signal,
  }
  const aborted = async () => {
    for await (const event of finetune(options)) if (event.type === 'step-end' && event.step === 5) controller.abort()
  }
  await expect(aborted()).rejects.toMatchObject({ code: 'aborted' })
  const events = await run({ out, pairs: pairsFile, epochs: 2, resume: true })
  expect(events[0]).toMatchObject({ type: 'run-start', resumedFrom: 5 })
  expect((await weightsIn(out)).equals(await weightsIn(reference))).toBe(true)
})

test('a half-written checkpoint is never loaded', async () => {
  const out = path.join(folder, 'half')
  await run({ out, pairs: pairsFile, epochs: 1, checkpointEvery: 4 })
  const checkpoints = path.join(out, 'run', 'checkpoints')
  await mkdir(path.join(checkpoints, 'step-00000099.unfinished'))
  await writeFile(path.join(checkpoints, 'step-00000099.unfinished', 'state.json'), '{')
  const events = await run({ out, pairs: pairsFile, epochs: 1, resume: true })
  expect(events[0]).toMatchObject({ resumedFrom: 12 })
  await rm(path.join(checkpoints, 'step-00000012', 'state.safetensors'))
  await expect(run({ out, pairs: pairsFile, epochs: 1, resume: true })).rejects.toMatchObject({
    code: 'file-unreadable',
    message: expect.stringContaining('step-00000012'),
  })
})

test('the evaluator is run before, after each epoch and in between; the best weights are exported', async () => {
  const out = path.join(folder, 'evaluated')
  const scores = [0.5, 0.7, 0.9, 0.6]
  const measured: number[] = []
  const evaluator = Object.assign(
    async (encoder: { encode(texts: string[]): Promise<{ row(i: number): Float32Array }> }) => {
      measured.push((await encoder.encode(['hello world'])).row(0)[0] ?? 0)
      return { score: scores.shift() ?? 0 }
    },
    { primaryMetric: 'score', higherIsBetter: true },
  )
  const events = await run({ out, evaluator, evaluateEvery: 5 })
  const evaluations = events.filter((event) => event.type === 'evaluate-end')
  expect(evaluations.map(({ step, best }) => [step, best])).toEqual([
    [0, true],
    [5, true],
    [10, true],
    [12, false],
  ])
  expect(events.at(-1)).toMatchObject({ metrics: { score: 0.9 }, exportedStep: 10 })
  await using exported = await loadEncoder(out)
  expect((await exported.encode(['hello world'])).row(0)[0]).toBe(measured[2])
  expect(await readFile(path.join(out, 'README.md'), 'utf8')).toContain('| step 10 (exported) | 0.9000 |')
})

describe('bad input', () => {
  const out = () => path.join(folder, `bad-${Math.floor(Math.random() * 1e9)}`)
  const file = async (name: string, text: string) => {
    await writeFile(path.join(folder, name), text)
    return path.join(folder, name)
  }

  test('pairs: none, one column, wrong names, a broken line', async () => {
    await expect(run({ out: out(), pairs: path.join(folder, 'absent.jsonl') })).rejects.toMatchObject({
      code: 'file-unreadable',
    })
    await expect(run({ out: out(), pairs: await file('empty.jsonl', '\n') })).rejects.toMatchObject({
      code: 'invalid-input',
    })
    await expect(run({ out: out(), pairs: await file('one.csv', 'anchor\nhello\n') })).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/column anchor\. Accepted: anchor, positive/),
    })
    await expect(run({ out: out(), pairs: await file('wrong.jsonl', '{"a":"x","b":"y"}\n') })).rejects.toMatchObject({
      message: expect.stringMatching(/columns a, b\. Accepted/),
    })
    const broken = await file(
      'broken.jsonl',
      '{"anchor":"a","positive":"b"}\n{"anchor":\n{"anchor":"c","positive":"d"}\n{"anchor":"e","positive":7}\n',
    )
    await expect(run({ out: out(), pairs: broken })).rejects.toMatchObject({
      message: expect.stringContaining('line 2'),
    })
    const warnings: string[] = []
    const events = await run({
      out: out(),
      pairs: broken,
      skipBadLines: true,
      onWarning: (message) => warnings.push(message),
    })
    expect(events[0]).toMatchObject({ examples: 2 })
    expect(warnings).toContainEqual(expect.stringContaining('2 bad lines were left out (2, 4)'))
  })

  test('a batch of one, all duplicates, numbers out of range', async () => {
    await expect(run({ out: out(), batchSize: 1 })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('batchSize'),
    })
    const same = Array.from({ length: 9 }, () => ({ anchor: 'a', positive: 'b' }))
    await expect(run({ out: out(), pairs: same })).rejects.toMatchObject({ code: 'invalid-input' })
    await expect(run({ out: out(), pairs: [{ anchor: 'a', positive: '' }] })).rejects.toMatchObject({
      code: 'invalid-input',
    })
    await expect(run({ out: out(), learningRate: -1 })).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(run({ out: out(), temperature: 0 })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('a loss that wants what pairs do not have', async () => {
    const loss = infoNce()
    await expect(run({ out: out(), loss: { ...loss, columns: ['label'] } })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('wants label'),
    })
    const { settings: _, ...untold } = loss // @ts-expect-error: a caller without types
    await expect(run({ out: out(), loss: untold })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('settings: { margin: 0.2 }'),
    })
    await expect(run({ out: out(), loss: { ...loss, settings: { name: 'a' } } })).rejects.toMatchObject({
      message: expect.stringContaining("a setting 'name'"),
    })
  })

  test('a loss that is no number stops the run at its step and keeps the checkpoint before', async () => {
    const place = out()
    const failing = run({ out: place, learningRate: 1e30, clip: 0, checkpointEvery: 1, warmup: 0 })
    await expect(failing).rejects.toMatchObject({
      code: 'training-diverged',
      message: expect.stringMatching(/Step \d+/),
    })
    expect(
      (await readdir(path.join(place, 'run', 'checkpoints'))).filter((name) => name.startsWith('step-')).length,
    ).toBeGreaterThan(0)
  })

  test('a run is not overwritten, and is resumed with its own settings only', async () => {
    await expect(run({ out: reference, pairs: pairsFile, epochs: 2 })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('--resume'),
    })
    await expect(
      run({ out: reference, pairs: pairsFile, epochs: 2, resume: true, batchSize: 16, seed: 1 }),
    ).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(/batchSize: 8 then, 16 now; seed: 42 then, 1 now/),
    })
    await expect(run({ out: out(), resume: true })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('models that cannot be trained say why', async () => {
    await expect(run({ out: out(), model: 'default' })).rejects.toMatchObject({ code: 'model-invalid' })
    await expect(run({ out: out(), device: 'dml' })).rejects.toMatchObject({ code: 'device-unavailable' })
    const half = path.join(folder, 'half-precision')
    const source = path.join(fixtures, 'models', 'bert-external-data')
    await mkdir(path.join(half, 'onnx'), { recursive: true })
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
      await writeFile(path.join(half, name), await readFile(path.join(source, name)))
    await writeFile(path.join(half, 'onnx', 'model.onnx'), await readFile(path.join(source, 'onnx', 'model_fp16.onnx')))
    await expect(run({ out: out(), model: half })).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('float16'),
    })
    await writeFile(path.join(half, 'onnx', 'model.onnx'), await readFile(path.join(source, 'onnx', 'model.onnx')))
    await expect(run({ out: out(), model: half })).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('model.onnx_data'),
    })
  })

  test('an operator without a gradient is refused by node and name, before anything runs', async () => {
    const place = path.join(folder, 'optimized')
    const source = path.join(fixtures, 'models', 'bert-dynamo')
    await cp(source, place, { recursive: true })
    const bytes = await readFile(path.join(source, 'onnx', 'model.onnx'))
    const whole = parseModel(new Uint8Array(bytes))
    const optimized = whole.graph.nodes.map((node) =>
      node.op === 'Gelu' ? { ...node, op: 'com.microsoft.QuickGelu', attributes: {} } : node,
    )
    const opsets = new Map([...whole.opsets, ['com.microsoft', 1]])
    await writeFile(
      path.join(place, 'onnx', 'model.onnx'),
      serializeModel({ ...whole, opsets, graph: { ...whole.graph, nodes: optimized } }),
    )
    let evaluated = false
    const evaluator = Object.assign(
      async () => {
        evaluated = true
        return { score: 1 }
      },
      { primaryMetric: 'score', higherIsBetter: true },
    )
    await expect(run({ out: out(), model: place, evaluator })).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/node '.*' \(com.microsoft.QuickGelu\).*Export it without optimization/),
    })
    expect(evaluated).toBe(false)
  })

  test('a full disk stops the run with a code', async (context) => {
    const mount = path.join(folder, 'small')
    await mkdir(mount)
    try {
      await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', mount])
    } catch {
      context.skip()
    }
    try {
      await expect(run({ out: path.join(mount, 'out') })).rejects.toMatchObject({ code: 'disk-full' })
    } finally {
      await promisify(execFile)('umount', [mount])
    }
  })

  test('texts past the maximum are cut and counted', async () => {
    const long = 'the quick brown fox '.repeat(40)
    const events = await run({
      out: out(),
      pairs: pairs.slice(0, 7).concat({ anchor: 'long', positive: long }),
      maxTokens: 20,
    })
    expect(events.at(-1)).toMatchObject({ cutInputs: 1 })
  })
})

test('weights beside the model come into the exported file', async () => {
  const out = path.join(folder, 'external')
  await run({ out, model: path.join(fixtures, 'models', 'bert-external-data'), epochs: 1 })
  await using encoder = await loadEncoder(out)
  expect((await encoder.encode(['hello'])).rows).toBe(1)
})
