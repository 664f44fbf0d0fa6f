import { execFile } from 'node:child_process'
import { readdir, stat, writeFile } from 'node:fs/promises'
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

describe('the packed package in an empty project', () => {
  let project: string
  let packed: { files: { path: string }[]; size: number; filename: string }

  beforeAll(async () => {
    project = await temporaryFolder()
    await run('tsup', [], repo)
    const [first] = JSON.parse(await run('npm', ['pack', '--json', '--pack-destination', project], repo))
    packed = first
    await writeFile(path.join(project, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }')
    await run('npm', ['install', `./${packed.filename}`], project)
  }, 240_000)

  test('holds what it should, within 12 MB', () => {
    const files = packed.files.map((file) => file.path.replace(/-[\w-]{8}(\.js|\.d\.ts)$/, '-HASH$1'))
    expect([...new Set(files)].sort()).toMatchInlineSnapshot(`
      [
        "CHANGELOG.md",
        "LICENSE",
        "NOTICE",
        "README.md",
        "dist/chunk-HASH.js",
        "dist/cli/main.js",
        "dist/inference-worker.js",
        "dist/library-HASH.js",
        "dist/main.d.ts",
        "dist/main.js",
        "dist/read-settings-HASH.js",
        "dist/read-transformer-HASH.js",
        "dist/serve-until-stopped-HASH.js",
        "dist/server.d.ts",
        "dist/server.js",
        "dist/static-encoder-HASH.js",
        "dist/store-HASH.d.ts",
        "dist/swagger-ui/swagger-ui-bundle.js",
        "dist/swagger-ui/swagger-ui-bundle.js.LICENSE.txt",
        "dist/swagger-ui/swagger-ui.css",
        "dist/train-HASH.js",
        "dist/transformer-encoder-HASH.js",
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
      await using encoder = await loadEncoder()
      await using index = await openIndex({ name: 'answers', encoder, path: './data' })
      await index.add([{ id: 'a', text: 'Asthma is treated with inhalers.' }, { id: 'b', text: 'Ticks bite.' }])
      console.log((await index.search('lung disease', { limit: 1 }))[0].id)`
    await writeFile(path.join(project, 'program.mjs'), program)
    expect((await run('node', ['program.mjs'], project)).trim()).toBe('a')
  })

  test('serves from a program, reference included', async () => {
    const program = `
      import { lancedb, loadEncoder } from 'qontrast'
      import { createApp } from 'qontrast/server'
      await using encoder = await loadEncoder()
      await using store = lancedb({ path: './data' })
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

  test('brings one runtime, and no second store or browser runtime', async () => {
    const modules = path.join(project, 'node_modules')
    const names = await readdir(modules)
    const lancedb = await readdir(path.join(modules, '@lancedb'))
    expect(names).not.toContain('onnxruntime-web')
    expect(lancedb.every((name) => name.startsWith('lancedb-'))).toBe(true)
    console.log(`installed in an empty project: ${Math.round((await bytesOf(modules)) / 1e6)} MB`)
  })
})

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder, { recursive: true }))
    bytes += (await stat(path.join(folder, name)).catch(() => ({ size: 0 }))).size
  return bytes
}
