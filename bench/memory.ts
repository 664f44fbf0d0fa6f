/**
 * Resident memory of this process and its children, after MiniLM was loaded, used and closed again and again.
 *
 *     npm run bench:memory
 */
import { readFileSync } from 'node:fs'
import { loadEncoder } from '../src/main.ts'
import { sharedPath } from './support/data.ts'
import { machine } from './support/sides.ts'

const folder = sharedPath('models', 'all-minilm-l6-v2')
const texts = Array<string>(64).fill('some words of a text that is embedded '.repeat(8))
const seen = new Map<number, number>()

for (let round = 1; round <= 20; round++) {
  const encoder = await loadEncoder(folder, { device: 'cpu' })
  await encoder.encode(texts)
  const child = childMegabytes()
  await encoder.close()
  global.gc?.()
  seen.set(round, process.memoryUsage.rss() / 1e6)
  console.error(`round ${round}: ${seen.get(round)?.toFixed(0)} MB after close; the child had ${child.toFixed(0)} MB`)
}

const difference = (seen.get(20) ?? 0) - (seen.get(5) ?? 0)
console.log(`MiniLM-L6 loaded, used and closed 20 times · ${machine()}\n`)
console.log(
  `RSS after round 5: ${seen.get(5)?.toFixed(0)} MB, after round 20: ${seen.get(20)?.toFixed(0)} MB, difference ${difference.toFixed(0)} MB (goal: < 50)`,
)
console.log(`children left: ${childPids().length}`)

function childPids(): string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
}

function childMegabytes(): number {
  return childPids().reduce(
    (sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1e3,
    0,
  )
}
