/**
 * The bundled encoder: short texts a second in one thread, and the time from process start to the first vector.
 *
 *     npm run bench:default
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { loadEncoder } from '../src/main.ts'
import { textsOf } from './support/data.ts'
import { machine, median } from './support/sides.ts'

const texts = (await textsOf['banking77']?.()) ?? []
const entry = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const rounds = 7

await using encoder = await loadEncoder()
await encoder.encode(texts)
const rates: number[] = []
for (let round = 0; round < rounds; round++) {
  const start = performance.now()
  await encoder.encode(texts)
  rates.push(texts.length / ((performance.now() - start) / 1000))
}

const program = `import { loadEncoder } from ${JSON.stringify(entry)}; const e = await loadEncoder(); await e.encode(['a text'])`
const starts: number[] = []
for (let round = 0; round < rounds; round++) {
  const start = performance.now()
  execFileSync(process.execPath, ['--input-type=module', '-e', program])
  starts.push(performance.now() - start)
}

console.log(`Bundled encoder, medians of ${rounds} · ${machine()}\n`)
console.log(`BANKING77 texts/s: ${median(rates).toFixed(0)} (goal: ≥ 20,000)`)
console.log(`process start to first vector, from dist: ${median(starts).toFixed(0)} ms (goal: ≤ 400)`)
