import { execFile } from 'node:child_process'
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const repo = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)
let folder: string
let ask: (file: string, env?: Record<string, string>) => Promise<string>

beforeAll(async () => {
  folder = await temporaryFolder()
  const source = path.join(repo, 'src/shared/index.ts')
  const contents = `import { packageFile } from ${JSON.stringify(source)}
    try { console.log(packageFile('models/default')) } catch (error) { console.log(error.code, error.message) }`
  for (const format of ['esm', 'cjs'] as const)
    await build({
      stdin: { contents, resolveDir: folder },
      outfile: path.join(folder, format === 'esm' ? 'bundle.mjs' : 'bundle.cjs'),
      bundle: true,
      platform: 'node',
      format,
      logLevel: 'error',
    })
  ask = async (file, env = {}) =>
    (await run(process.execPath, [file], { cwd: path.dirname(file), env: { ...process.env, ...env } })).stdout.trim()
})

test('a bundle that is alone says what to do', async () => {
  for (const name of ['bundle.mjs', 'bundle.cjs']) {
    const said = await ask(path.join(folder, name))
    expect(said).toMatch(/^dependency-missing .*--external:qontrast.*serverExternalPackages.*QONTRAST_HOME/)
  }
})

test('a bundle finds the package in the folders above it, whatever its format', async () => {
  const apart = path.join(folder, 'app')
  await mkdir(path.join(apart, 'node_modules'), { recursive: true })
  await mkdir(path.join(apart, 'out'))
  await symlink(repo, path.join(apart, 'node_modules/qontrast'))
  await writeFile(path.join(apart, 'out/package.json'), 'not JSON')
  for (const name of ['bundle.mjs', 'bundle.cjs']) {
    await copyFile(path.join(folder, name), path.join(apart, 'out', name))
    expect(await ask(path.join(apart, 'out', name))).toBe(path.join(apart, 'node_modules/qontrast/models/default'))
  }
})

test('QONTRAST_HOME names its folder, and must be one', async () => {
  const bundle = path.join(folder, 'bundle.mjs')
  expect(await ask(bundle, { QONTRAST_HOME: repo })).toBe(path.join(repo, 'models/default'))
  expect(await ask(bundle, { QONTRAST_HOME: folder })).toMatch(/^invalid-option QONTRAST_HOME must be the folder/)
})
