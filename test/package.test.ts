import { execFile } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from './support/temporary.ts'

const repo = fileURLToPath(new URL('../', import.meta.url))
const run = async (program: string, args: readonly string[], cwd: string) => {
  const env = {
    ...process.env,
    ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
  }
  const { stdout } = await promisify(execFile)(program, args, { cwd, env, maxBuffer: 1 << 26 })
  return stdout
}

test('the lockfile has the native code of every platform: npm ci fails, or installs none, where one is missing', async () => {
  const { packages } = JSON.parse(await readFile(path.join(repo, 'package-lock.json'), 'utf8'))
  const names = Object.keys(packages[''].optionalDependencies)
  expect(names).toContain('@lancedb/lancedb-darwin-arm64')
  for (const name of names) expect(packages, name).toHaveProperty([`node_modules/${name}`])
})

describe('the packed package in an empty project', () => {
  let project: string
  let packed: { files: { path: string }[]; size: number; filename: string }

  beforeAll(async () => {
    project = await temporaryFolder()
    await run('npm', ['run', 'build'], repo)
    const [first] = JSON.parse(await run('npm', ['pack', '--json', '--pack-destination', project], repo))
    packed = first
    await writeFile(path.join(project, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }')
    await run('npm', ['install', `./${packed.filename}`], project)
  }, 240_000)

  test('holds what it should, within 12 MB', () => {
    const files = packed.files.map((file) =>
      file.path.replace(/^dist\/[\w.-]+-[\w-]{8}(\.js|\.d\.ts)$/, 'dist/HASHED$1'),
    )
    expect([...new Set(files)].sort()).toMatchInlineSnapshot(`
      [
        "CHANGELOG.md",
        "LICENSE",
        "NOTICE",
        "README.md",
        "deploy/Dockerfile",
        "deploy/compose.yaml",
        "deploy/kubernetes/qontrast.yaml",
        "deploy/monitoring/alerts.yaml",
        "deploy/monitoring/dashboard.json",
        "deploy/qontrast.service",
        "deploy/qontrast.sysusers",
        "deploy/slim.sh",
        "dist/HASHED.d.ts",
        "dist/HASHED.js",
        "dist/batch-worker.js",
        "dist/cli/main.js",
        "dist/client.d.ts",
        "dist/client.js",
        "dist/inference-worker.js",
        "dist/main.d.ts",
        "dist/main.js",
        "dist/picture-worker.js",
        "dist/server.d.ts",
        "dist/server.js",
        "dist/step-worker.js",
        "dist/swagger-ui/swagger-ui-bundle.js.LICENSE.txt",
        "dist/swagger-ui/swagger-ui-bundle.js.gz",
        "dist/swagger-ui/swagger-ui.css.gz",
        "dist/testing.d.ts",
        "dist/testing.js",
        "dist/third-party-licences.txt",
        "models/default/README.md",
        "models/default/config.json",
        "models/default/model.safetensors",
        "models/default/tokenizer.json",
        "package.json",
      ]
    `)
    expect(packed.size).toBeLessThan(12e6)
  })

  test('indexes and searches from a program', async () => {
    const program = `
      import { loadEncoder, openIndex } from 'qontrast'
      const encoder = await loadEncoder()
      const index = await openIndex({ name: 'answers', encoder, path: './data' })
      await index.add([{ id: 'a', text: 'Asthma is treated with inhalers.' }, { id: 'b', text: 'Ticks bite.' }])
      console.log((await index.search('lung disease', { limit: 1 }))[0].id)`
    await writeFile(path.join(project, 'program.mjs'), program)
    expect((await run('node', ['program.mjs'], project)).trim()).toBe('a')
  })

  test('is one module for import and require', async () => {
    const program = `
      const { loadEncoder, QontrastError } = require('qontrast')
      const { createApp } = require('qontrast/server')
      import('qontrast').then(async (imported) => {
        const encoder = await loadEncoder()
        console.log(imported.QontrastError === QontrastError, typeof createApp, encoder.dimensions > 0)
      })`
    await writeFile(path.join(project, 'program.cjs'), program)
    expect((await run('node', ['program.cjs'], project)).trim()).toBe('true function true')
  })

  test('names its licences, and what it holds of others with theirs', async () => {
    const file = path.join(project, 'node_modules/qontrast/dist/third-party-licences.txt')
    const text = await readFile(file, 'utf8')
    for (const name of ['@lancedb/lancedb', '@qdrant/js-client-rest', 'apache-arrow', 'undici', '@huggingface/hub'])
      expect(text).toMatch(new RegExp(`^${name} \\d.* \\((MIT|Apache-2.0)\\)`, 'm'))
  })

  test('serves from a program, reference included', async () => {
    const program = `
      import { lancedb, loadEncoder } from 'qontrast'
      import { createApp } from 'qontrast/server'
      const encoder = await loadEncoder()
      const store = lancedb({ path: './data' })
      const app = createApp({ indexes: { store, encoders: { default: encoder } } })
      const answers = ['/v1/models', '/docs', '/docs/swagger-ui-bundle.js', '/docs/swagger-ui.css', '/openapi.json']
      for (const path of answers) console.log(path, (await app.request(path)).status)`
    await writeFile(path.join(project, 'server.mjs'), program)
    const lines = (await run('node', ['server.mjs'], project)).trim().split('\n')
    expect(lines.map((line) => line.split(' ')[1])).toEqual(['200', '200', '200', '200', '200'])
  })

  test('its command runs', async () => {
    await writeFile(path.join(project, 'note.md'), '# Ticks\n\nRemove them with tweezers.\n')
    const bin = path.join(project, 'node_modules/.bin/qontrast')
    expect(await run('node', [bin, 'index', 'note.md'], project)).toContain('1 added')
    expect(await run('node', [bin, 'search', 'tweezers', '--json'], project)).toContain('note.md')
  })

  test('brings one runtime, no second store or browser runtime, and no compiler', async () => {
    const modules = path.join(project, 'node_modules')
    const names = await readdir(modules)
    const lancedb = await readdir(path.join(modules, '@lancedb'))
    for (const absent of ['onnxruntime-web', 'typescript', 'undici', 'apache-arrow', '@qdrant', '@huggingface'])
      expect(names).not.toContain(absent)
    expect(lancedb.every((name) => name.startsWith('lancedb-'))).toBe(true)
    const megabytes = (await diskUse(modules)) / 2 ** 20
    console.log(`installed in an empty project: ${Math.round(megabytes)} MB`)
    expect(megabytes).toBeLessThan(540)
    const withoutStore = megabytes - (await diskUse(path.join(modules, '@lancedb'))) / 2 ** 20
    expect(withoutStore).toBeLessThan(330)
  })
})

/** As `du` counts. */
async function diskUse(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder, { recursive: true }))
    bytes += ((await stat(path.join(folder, name)).catch(() => undefined))?.blocks ?? 0) * 512
  return bytes
}
