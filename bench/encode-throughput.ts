/**
 * Texts a second of MiniLM fp32: qontrast, transformers.js and, where a Python with it is named, sentence-transformers.
 *
 *     npm run bench:encode
 *     PYTHON=/path/to/python PYTORCH_MODEL=/path/to/weights npm run bench:encode
 */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sharedPath, textsOf } from './support/data.ts'
import { findPyTorch } from './support/pytorch.ts'
import { alternate, machine, type Side } from './support/sides.ts'

const rounds = Number(process.argv[2] ?? 3)
const model = sharedPath('models', 'all-minilm-l6-v2')
const peer = (name: string) => new URL(`peers/${name}`, import.meta.url).pathname
const pytorch = findPyTorch('sentence-transformers')

console.log(`MiniLM-L6 fp32, texts a second, median of ${rounds} rounds · ${machine()}\n`)
console.log('| texts | side | texts/s | × transformers.js |\n|---|---|---|---|')
for (const [task, texts] of Object.entries(textsOf)) {
  const sides: Side[] = [
    { name: 'qontrast', command: [process.execPath, peer('encode-qontrast.ts'), task, model] },
    { name: 'transformers.js', command: [process.execPath, peer('encode-transformers-js.ts'), task, model] },
  ]
  if (pytorch) {
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'qontrast-bench-')), `${task}.json`)
    await writeFile(file, JSON.stringify(await texts()))
    sides.push({
      name: 'sentence-transformers',
      command: [pytorch.python, peer('encode_sentence_transformers.py'), file, pytorch.weights],
    })
  }
  const results = await alternate(sides, rounds)
  const reference = results.get('transformers.js')?.['textsPerSecond'] ?? Number.NaN
  for (const [name, { textsPerSecond = Number.NaN }] of results) {
    console.log(`| ${task} | ${name} | ${textsPerSecond.toFixed(1)} | ${(textsPerSecond / reference).toFixed(2)} |`)
  }
}
