import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** The program of another Node, such as '22' or '22.12.0', from the npm package `node`; kept beside the installed packages. */
export function nodeBinary(version: string): string {
  if (process.versions.node === version || process.versions.node.startsWith(`${version}.`)) return process.execPath
  const folder = path.join(import.meta.dirname, '../../node_modules/.cache/node', version)
  const program = path.join(folder, 'node_modules/node/bin/node')
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', `node@${version}`], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (!existsSync(program)) throw new Error(`npm install node@${version} brought no ${program}`)
  return program
}
