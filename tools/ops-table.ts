/**
 * Writes docs/ops.md: every known operator, how its gradient is had, and on which providers the gradient was run. WebGPU is tried without falling back to
 * the CPU; without a GPU, Chromium's SwiftShader serves: VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json npm run ops
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { rules } from '../src/finetune/autodiff/index.ts'
import { gradientError, opCases } from '../test/support/op-cases.ts'

const file = fileURLToPath(new URL('../docs/ops.md', import.meta.url))

/** Whether operator and gradient ran and were right, in every way they were tried, in some, or in none. */
type Mark = 'runs' | 'in part' | 'no'
const marks: readonly Mark[] = ['runs', 'in part', 'no']

/** How operators and their gradients did on a provider. */
export async function ranOn(device: 'cpu' | 'webgpu'): Promise<Map<string, Mark>> {
  const ran = new Map<string, Mark>()
  for (const one of opCases) {
    const right = await gradientError(one, device).then(
      ({ error, dims, allowed }) => dims && error < allowed,
      () => false,
    )
    const mark = right ? 'runs' : 'no'
    ran.set(one.op, (ran.get(one.op) ?? mark) === mark ? mark : 'in part')
  }
  return ran
}

/** The page, from what ran where; a provider that was not tried keeps what the page says of it. */
export function opsPage(cpu: ReadonlyMap<string, Mark>, webgpu: ReadonlyMap<string, Mark>): string {
  const rows = Object.entries(rules).map(([op, entry]) => {
    if (entry === 'zero') return `| ${op} | zero | | |`
    if ('refuse' in entry) return `| ${op} | refused: ${entry.refuse} | | |`
    return `| ${op} | rule | ${cpu.get(op) ?? ''} | ${webgpu.get(op) ?? ''} |`
  })
  return `# Operators

Written by \`npm run ops\` from the table of gradient rules. *rule*: the gradient is written as ONNX operators; *zero*: nothing flows, the output changes in jumps or not at all; *refused*: a model that has it
between its weights and its output cannot be trained, for the reason given. Operators that are not listed are refused too. The last two columns say whether operator and gradient ran, and were right, with
onnxruntime-node ${runtimeVersion} (WebGPU: without falling back to the CPU), in every way they were tried or *in part*: on WebGPU, BatchNormalization not in training form, Resize not with antialias, and a Conv of 9 channels gives other numbers than on the CPU.

| operator | gradient | CPU | WebGPU |
|---|---|---|---|
${rows.join('\n')}
`
}

const { dependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
const runtimeVersion: string = dependencies['onnxruntime-node']

/** What a page says of a column. */
export function columnOf(page: string, column: 'CPU' | 'WebGPU'): Map<string, Mark> {
  const at = column === 'CPU' ? 3 : 4
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  return new Map(
    rows.flatMap((cells) => {
      const mark = marks.find((one) => one === cells[at])
      return mark ? [[cells[1] ?? '', mark] as const] : []
    }),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const cpu = await ranOn('cpu')
  const tried = await ranOn('webgpu')
  const page = await readFile(file, 'utf8').catch(() => '')
  const webgpu = [...tried.values()].includes('runs') ? tried : columnOf(page, 'WebGPU')
  await writeFile(file, opsPage(cpu, webgpu))
  const failed = (ran: ReadonlyMap<string, Mark>) => [...ran].flatMap(([op, mark]) => (mark === 'runs' ? [] : [op]))
  console.log(
    `${file}\nCPU: ${failed(cpu).length} failed ${failed(cpu)}\nWebGPU: ${failed(webgpu).length} failed ${failed(webgpu)}`,
  )
}
