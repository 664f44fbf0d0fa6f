/** Runs every example against the built package; ends with an error if one does. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const notExamples = ['run-all.ts', 'demo.ts', 'medquad.ts']
for (const file of readdirSync(import.meta.dirname).filter(
  (name) => name.endsWith('.ts') && !notExamples.includes(name),
)) {
  console.log(`\n-- examples/${file}`)
  execFileSync(process.execPath, [`${import.meta.dirname}/${file}`], { stdio: 'inherit' })
}
