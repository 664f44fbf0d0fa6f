/**
 * Takes the packed package through other people's projects (tools/package/consumers.ts), each in a folder of its own, and prints a table.
 * Minutes, and packages from the registry: outside CI, which runs some of them.
 *
 *     npm run verify:package -- [Next Jest …]      # those whose names begin so; all without
 */
import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { consumers, type Setting, tools } from './package/consumers.ts'
import { createProject, type Project } from './package/project.ts'
import { buildIfOld } from './support/build.ts'

const repo = path.join(import.meta.dirname, '..')
const asked = process.argv.slice(2)
const chosen = Object.entries(consumers).filter(
  ([name]) => asked.length === 0 || asked.some((start) => name.toLowerCase().startsWith(start.toLowerCase())),
)
if (chosen.length === 0) throw new Error(`There is none of these. There are: ${Object.keys(consumers).join(', ')}`)

const root = await mkdtemp(path.join(tmpdir(), 'qontrast-package-'))
const programs = [path.join(root, 'tools/node_modules/.bin'), path.dirname(process.execPath)]
const model = path.join(repo, 'test/fixtures/models/bert-tracing')
let failed = 0
try {
  buildIfOld(repo)
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', root], {
      cwd: repo,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  const tarball = path.join(root, packed.filename)
  const installed = new Map<string, Promise<Project>>()
  const setting: Setting = {
    tarball,
    model,
    apart: path.join(root, 'apart'),
    async project(name, beside = 'tools') {
      const above = path.join(root, beside)
      const packages = beside === 'tools' ? [tarball, ...tools] : [tarball]
      if (!installed.has(beside)) installed.set(beside, installIn(above, ['--save-dev'], packages))
      await installed.get(beside)
      const project = await createProject(path.join(above, name), programs)
      await cp(model, path.join(project.folder, 'model'), { recursive: true })
      return project
    },
    install: (name, args, packages = []) => installIn(path.join(root, name), args, [tarball, ...packages]),
  }
  await mkdir(setting.apart)
  for (const [name, consumer] of chosen) {
    const start = performance.now()
    const outcome = await consumer(setting).catch((error: Error) => {
      failed++
      return `FAILED: ${error.message}`
    })
    console.log(`${name.padEnd(32)} ${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${outcome}`)
  }
} finally {
  if (!process.env['KEEP']) await rm(root, { recursive: true, force: true })
  else console.log(`kept in ${root}`)
}
console.log(`\n${chosen.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

async function installIn(folder: string, args: readonly string[], packages: readonly string[]): Promise<Project> {
  const project = await createProject(folder, programs)
  const scripts = { allowScripts: { 'onnxruntime-node': false, esbuild: true } }
  await project.write({ 'package.json': JSON.stringify({ private: true, type: 'module', ...scripts }) })
  await project.run('npm', ['install', ...args, ...packages])
  return project
}
