/**
 * Trains a small BERT for 20 steps on a device and on the CPU, from the same weights on the same batches, and compares the losses.
 *
 *     npm run verify:webgpu       (without a GPU: Chromium's SwiftShader, Debian's packages chromium and libvulkan1)
 *     npm run verify:cuda
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { parseArgs, promisify } from 'node:util'
import { createRepeatedWay } from '../src/finetune/engine/ways/repeated.ts'
import { createResidentWay } from '../src/finetune/engine/ways/resident.ts'
import { fixtures, openTraining, pairsOf, relativeError } from '../test/support/training.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string' }, steps: { type: 'string' } },
})
const device = positionals[0] === 'cuda' ? 'cuda' : 'webgpu'
const steps = Number(values.steps ?? 20)
const stepsOfLoop = 5
const model = values.model ?? `${fixtures}models/bert-tracing`
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json'

if (device === 'webgpu' && !process.env['VK_ICD_FILENAMES'] && !existsSync('/dev/dri')) {
  if (!existsSync(swiftShader)) {
    console.log("skipped: there is neither a GPU nor Chromium's SwiftShader (Debian: apt install chromium libvulkan1)")
    process.exit(0)
  }
  process.env['VK_ICD_FILENAMES'] = swiftShader
}
if (device === 'cuda' && !existsSync('/proc/driver/nvidia/version')) {
  console.log('skipped: there is no NVIDIA driver here')
  process.exit(0)
}

const words =
  'hello world the quick brown fox jumps over lazy dog one two three four five six seven eight nine ten'.split(' ')
const texts = Array.from({ length: 16 }, (_, i) =>
  [0, 1, 2].map((k) => words[(i * 5 + k * 3) % words.length]).join(' '),
)
const pairs = pairsOf(Array.from({ length: 8 }, (_, i) => [texts[i] ?? '', texts[i + 8] ?? ''] as const))

await using cpu = await openTraining(model)
await using other = await openTraining(model)
const options = { ...other, device, threads: 2 } as const
const planned = await Promise.all(
  Array.from({ length: steps }, async (_, i) => {
    const turned = [...pairs.slice((i + 1) % 8), ...pairs.slice(0, (i + 1) % 8)]
    const settings = { rate: 1e-3, weightDecay: 0.1, step: i + 1, clip: 1, momenta: {}, seed: i }
    return { turned, batch: await other.batchOf(turned, { groups: 2 }), settings }
  }),
)

/** As training takes them: WebGPU keeps the state from run to run, the others within a loop of steps. */
async function* onDevice(): AsyncGenerator<{ readonly loss: number; readonly milliseconds: number }> {
  if (device === 'webgpu') {
    const stepper = createResidentWay(options)
    for (const { batch, settings } of planned) {
      const started = performance.now()
      const { loss } = await stepper.step(batch, settings)
      yield { loss, milliseconds: performance.now() - started }
    }
    await stepper.download()
    return stepper.close()
  }
  const loop = createRepeatedWay(options)
  for (let from = 0; from < steps; from += stepsOfLoop) {
    const started = performance.now()
    const stretch = planned.slice(from, from + stepsOfLoop)
    const results = await loop.steps(stretch)
    const milliseconds = (performance.now() - started) / stretch.length
    for (const { loss } of results) yield { loss, milliseconds }
  }
  return loop.close()
}

const times: number[] = []
let worst = 0
console.log(
  `${await nameOf(device)}: ${model.split('/').at(-1)}, ${steps} steps of ${pairs.length} pairs\n\n| step | loss on the CPU | on the device | difference |\n|---|---|---|---|`,
)
for await (const { loss: own, milliseconds } of onDevice()) {
  const { turned, settings } = planned[times.length] ?? { turned: pairs, settings: undefined }
  const { loss, gradients } = await cpu.oneShot(turned)
  if (settings) cpu.move(gradients, settings)
  times.push(milliseconds)
  worst = Math.max(worst, Math.abs(own - loss))
  const step = times.length
  if (step <= 3 || step % 5 === 0)
    console.log(`| ${step} | ${loss.toFixed(6)} | ${own.toFixed(6)} | ${Math.abs(own - loss).toExponential(1)} |`)
}
const errors = [...cpu.parameters]
  .filter(([name]) => !name.endsWith('key.bias')) // zero gradients by symmetry: they walk on rounding noise
  .map(([name, { weights }]) => relativeError(other.parameters.get(name)?.weights ?? [], weights))
const typical = times.slice(2).sort((a, b) => a - b)[Math.floor((times.length - 2) / 2)] ?? 0
console.log(
  `\nlargest difference of a loss ${worst.toExponential(1)} (goal ≤ 1e-4); weights after ${steps} steps differ by ${Math.max(...errors).toExponential(1)} at most, relatively; ${typical.toFixed(0)} ms a step on the device`,
)
process.exitCode = worst <= 1e-4 ? 0 : 1

async function nameOf(name: string): Promise<string> {
  if (name !== 'cuda') return name
  const { stdout } = await promisify(execFile)('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'])
  return `cuda (${stdout.trim()})`
}
