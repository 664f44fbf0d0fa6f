/**
 * Writes docs/ops.md: every known operator, how its gradient is had, and on which providers the gradient was run. WebGPU is tried without falling back to
 * the CPU; without a GPU, Chromium's SwiftShader serves: VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json npm run ops
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { rules } from '../src/finetune/autodiff/index.ts'
import { gradientError, opCases } from '../test/support/op-cases.ts'

const file = fileURLToPath(new URL('../docs/ops.md', import.meta.url))

/** Operators that ran on a provider and gave the right gradient, in every way they were tried. */
export async function ranOn(device: 'cpu' | 'webgpu'): Promise<Map<string, boolean>> {
  const ran = new Map<string, boolean>()
  for (const one of opCases) {
    const right = await gradientError(one, device).then(
      ({ error, dims }) => dims && error < 1e-3,
      () => false,
    )
    ran.set(one.op, right && ran.get(one.op) !== false)
  }
  return ran
}

/** The page, from what ran where; a provider that was not tried keeps what the page says of it. */
export function opsPage(cpu: ReadonlyMap<string, boolean>, webgpu: ReadonlyMap<string, boolean>): string {
  const mark = (ran: ReadonlyMap<string, boolean>, op: string) => (ran.has(op) ? (ran.get(op) ? 'runs' : 'no') : '')
  const rows = Object.entries(rules).map(([op, entry]) => {
    if (entry === 'zero') return `| ${op} | zero | | |`
    if ('refuse' in entry) return `| ${op} | refused: ${entry.refuse} | | |`
    return `| ${op} | rule | ${mark(cpu, op)} | ${mark(webgpu, op)} |`
  })
  return `# Operators

Written by \`npm run ops\` from the table of gradient rules. *rule*: the gradient is written as ONNX operators; *zero*: nothing flows, the output changes in jumps or not at all; *refused*: a model that has it
between its weights and its output cannot be trained, for the reason given. Operators that are not listed are refused too. The last two columns say whether operator and gradient ran, and were right, with
onnxruntime-node ${runtimeVersion} (WebGPU: without falling back to the CPU).

| operator | gradient | CPU | WebGPU |
|---|---|---|---|
${rows.join('\n')}
`
}

const { dependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
const runtimeVersion: string = dependencies['onnxruntime-node']

/** What a page says of a column. */
export function columnOf(page: string, column: 'CPU' | 'WebGPU'): Map<string, boolean> {
  const at = column === 'CPU' ? 3 : 4
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  return new Map(
    rows.flatMap((cells) =>
      cells[at] === 'runs' || cells[at] === 'no' ? [[cells[1] ?? '', cells[at] === 'runs'] as const] : [],
    ),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const cpu = await ranOn('cpu')
  const tried = await ranOn('webgpu')
  const page = await readFile(file, 'utf8').catch(() => '')
  const webgpu = [...tried.values()].some(Boolean) ? tried : columnOf(page, 'WebGPU')
  await writeFile(file, opsPage(cpu, webgpu))
  const failed = (ran: ReadonlyMap<string, boolean>) => [...ran].filter(([, right]) => !right).map(([op]) => op)
  console.log(
    `${file}\nCPU: ${failed(cpu).length} failed ${failed(cpu)}\nWebGPU: ${failed(webgpu).length} failed ${failed(webgpu)}`,
  )
}
