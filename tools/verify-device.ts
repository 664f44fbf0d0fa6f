/**
 * Trains a small BERT for 20 steps on a device and on the CPU, from the same weights on the same batches, and compares the losses.
 *
 *     npm run verify:webgpu       (without a GPU: Chromium's SwiftShader, Debian's packages chromium and libvulkan1)
 *     npm run verify:cuda
 */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { collate, createTokenize, cutInGroups } from '../src/finetune/data/collate.ts'
import { applyGradients, globalNorm } from '../src/finetune/optimizer/parameters.ts'
import { createDeviceStepper } from '../src/finetune/train/device-step.ts'
import { infoNce } from '../src/main.ts'
import { fixtures, openTraining, pairsOf, relativeError } from '../test/support/training.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string' }, steps: { type: 'string' } },
})
const device = positionals[0] === 'cuda' ? 'cuda' : 'webgpu'
const steps = Number(values.steps ?? 20)
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
const tokenize = createTokenize(other.files, undefined)
const stepper = createDeviceStepper({ ...other, loss: infoNce(), device, threads: 2 })
const times: number[] = []
let worst = 0
console.log(
  `${device}: ${model.split('/').at(-1)}, ${steps} steps of ${pairs.length} pairs\n\n| step | loss on the CPU | on the device | difference |\n|---|---|---|---|`,
)
for (let step = 1; step <= steps; step++) {
  const turned = [...pairs.slice(step % 8), ...pairs.slice(0, step % 8)]
  const { loss, gradients } = await cpu.oneShot(turned)
  applyGradients(cpu.parameters, gradients, cpu.optimizer, {
    rate: 1e-3,
    decay: 0.1,
    step,
    scale: Math.min(1, 1 / (globalNorm(gradients) + 1e-6)),
  })
  const started = performance.now()
  const result = await stepper.step(collate(turned, tokenize, cutInGroups(2)), {
    rate: 1e-3,
    decay: 0.1,
    step,
    clip: 1,
    seed: step,
  })
  times.push(performance.now() - started)
  worst = Math.max(worst, Math.abs(result.loss - loss))
  if (step <= 3 || step % 5 === 0)
    console.log(
      `| ${step} | ${loss.toFixed(6)} | ${result.loss.toFixed(6)} | ${Math.abs(result.loss - loss).toExponential(1)} |`,
    )
}
await stepper.download()
const errors = [...cpu.parameters].map(([name, { weights }]) =>
  relativeError(other.parameters.get(name)?.weights ?? [], weights),
)
await stepper.close()
const typical = times.slice(2).sort((a, b) => a - b)[Math.floor((times.length - 2) / 2)] ?? 0
console.log(
  `\nlargest difference of a loss ${worst.toExponential(1)} (goal ≤ 1e-4); weights after ${steps} steps differ by ${Math.max(...errors).toExponential(1)} at most, relatively; ${typical.toFixed(0)} ms a step on the device`,
)
process.exitCode = worst <= 1e-4 ? 0 : 1
