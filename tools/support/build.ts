import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

const sources = ['package.json', 'tsup.config.ts', 'src']

/** Builds `dist` where it is older than what it is made from. */
export function buildIfOld(repo: string): void {
  const built = changed(path.join(repo, 'dist/main.d.ts'))
  if (sources.every((source) => newest(path.join(repo, source)) < built)) return
  execFileSync('npm', ['run', 'build'], { cwd: repo, stdio: ['ignore', 'ignore', 'inherit'] })
}

function newest(place: string): number {
  if (!statSync(place).isDirectory()) return changed(place)
  const files = readdirSync(place, { recursive: true, encoding: 'utf8' })
  return Math.max(...files.map((file) => changed(path.join(place, file))))
}

function changed(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
