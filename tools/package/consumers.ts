import { copyFile, cp, mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { nodeBinary } from '../support/node-binary.ts'
import { nextConsumers } from './next.ts'
import {
  bundledProgram,
  commonProgram,
  expected,
  jestTest,
  moduleProgram,
  suiteOfNode,
  suiteOfVitest,
  typedProgram,
  vitestTest,
} from './programs.ts'
import type { Project } from './project.ts'

export interface Setting {
  /** The packed package. */
  readonly tarball: string
  /** A folder that has nothing above it. */
  readonly apart: string
  /** A small model. */
  readonly model: string
  /** A folder below the one where the package is installed, with tools or alone; it has the model in `./model`. */
  project(name: string, beside?: 'tools' | 'nothing'): Promise<Project>
  /** A folder in which only this is installed. */
  install(name: string, args: readonly string[], packages?: readonly string[]): Promise<Project>
}

/** A kind of project of other people: rejects where the package does not work in it, and gives a word on how it does. */
export type Consumer = (setting: Setting) => Promise<string>

/** Tools that projects below the common folder use. */
export const tools = [
  'esbuild@0.28.2',
  'tsup@9.0.0',
  'vite@8.3.8',
  'vitest@5.1.1',
  'jest@30.5.2',
  'typescript@6.0.3',
  '@types/node@24.19.2',
]

export function check(output: string): string {
  const last = output.trim().split('\n').at(-1) ?? ''
  if (last !== expected) throw new Error(`'${expected}' was expected; got:\n${output}`)
  return 'works'
}

const onNode =
  (version: string): Consumer =>
  async (setting) => {
    const project = await setting.project(`node-${version}`, 'nothing')
    await project.write({ 'program.mjs': moduleProgram })
    return check(await project.run(nodeBinary(version), ['program.mjs']))
  }

const required =
  (version: string): Consumer =>
  async (setting) => {
    const project = await setting.project(`cjs-${version}`, 'nothing')
    await project.write({ 'package.json': '{ "type": "commonjs" }', 'program.js': commonProgram })
    return check(await project.run(nodeBinary(version), ['program.js']))
  }

const refused: Consumer = async (setting) => {
  const project = await setting.project('node-20', 'nothing')
  await project.write({ 'program.mjs': moduleProgram })
  const node = nodeBinary('20')
  const bin = path.join(project.folder, '../node_modules/qontrast/dist/cli/main.js')
  for (const args of [['program.mjs'], [bin, 'search', 'x']]) {
    const said = await project.run(node, args).then(
      () => 'nothing: it ran',
      (error: Error) => error.message,
    )
    if (!/qontrast needs Node 22\.12 or newer; this is 20\./.test(said)) throw new Error(`it said ${said}`)
  }
  return 'is refused in one line'
}

const compiled =
  (module: string, moduleResolution: string, type: string): Consumer =>
  async (setting) => {
    const project = await setting.project(`types-${moduleResolution}-${type}`)
    const compilerOptions = {
      target: 'es2023',
      module,
      moduleResolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
    }
    await project.write({
      'package.json': JSON.stringify({ type }),
      'tsconfig.json': JSON.stringify({ compilerOptions, include: ['program.ts'] }),
      'program.ts': typedProgram,
    })
    await project.run('tsc', [])
    return 'compiles, skipLibCheck false'
  }

const bundledBy =
  (name: string, build: (project: Project) => Promise<unknown>, outputs: readonly string[]): Consumer =>
  async (setting) => {
    const project = await setting.project(name)
    await project.write({
      'package.json': '{ "type": "module", "dependencies": { "qontrast": "*" } }',
      'program.ts': bundledProgram,
    })
    await build(project)
    for (const output of outputs) check(await project.run('node', [output]))
    return 'works without a line'
  }

const esbuild =
  (format: string, more: readonly string[] = []) =>
  (project: Project) =>
    project.run('esbuild', [
      'program.ts',
      '--bundle',
      '--platform=node',
      `--format=${format}`,
      `--outfile=out.${format === 'esm' ? 'mjs' : 'cjs'}`,
      ...more,
    ])

/** A bundle that was copied away from what it was built with: the error says what to do, and that works. */
const bundleApart: Consumer = async (setting) => {
  const project = await setting.project('esbuild-apart')
  await project.write({ 'program.ts': bundledProgram })
  await esbuild('esm')(project)
  const apart = path.join(setting.apart, 'esbuild-apart')
  await mkdir(apart, { recursive: true })
  await copyFile(path.join(project.folder, 'out.mjs'), path.join(apart, 'out.mjs'))
  const run = (env: Record<string, string>) => project.run('node', ['out.mjs', setting.model], { cwd: apart, env })
  const said = await run({}).then(
    () => 'nothing: it ran',
    (error: Error) => error.message,
  )
  if (!/--external:qontrast.*QONTRAST_HOME/.test(said)) throw new Error(`it said ${said}`)
  const home = path.join(project.folder, '../node_modules/qontrast')
  check(await run({ QONTRAST_HOME: home }))
  return 'its error says the line, QONTRAST_HOME works'
}

const production: Consumer = async (setting) => {
  const project = await setting.install('production', ['--omit=dev'])
  const apart = path.join(setting.apart, 'production')
  await project.write({ 'program.mjs': moduleProgram })
  await cp(project.folder, apart, { recursive: true, verbatimSymlinks: true })
  const output = await project.run('node', ['program.mjs', setting.model], { cwd: apart })
  await rm(project.folder, { recursive: true })
  return check(output)
}

/** As the image in deploy/ is made: without the other platforms' native code. */
const slim: Consumer = async (setting) => {
  const project = await setting.install('slim', ['--omit=dev'])
  await project.write({ 'program.mjs': moduleProgram })
  const before = await megabytes(project)
  const dockerfile = path.join(import.meta.dirname, '../../deploy/slim.sh')
  await project.run('sh', [dockerfile, 'node_modules/onnxruntime-node'])
  const after = await megabytes(project)
  check(await project.run('node', ['program.mjs', setting.model]))
  return `works: ${before} → ${after} MB`
}

const withoutOptional: Consumer = async (setting) => {
  const project = await setting.install('without-optional', ['--omit=optional'])
  const program = `import { isQontrastError, loadEncoder, openIndex, qdrant } from 'qontrast'
const encoder = await loadEncoder()
const index = await openIndex({ name: 'answers', encoder, path: './data' }).catch((error) => error)
const none = isQontrastError(index) ? index : await index.add([{ id: 'a', text: 'Ticks bite.' }]).catch((error) => error)
const away = await qdrant({ url: 'http://127.0.0.1:65431' }).list().catch((error) => error)
console.log(encoder.dimensions > 0, isQontrastError(away, 'store-unavailable'), isQontrastError(none, 'dependency-missing'), none.message)`
  await project.write({ 'program.mjs': program })
  const said = await project.run('node', ['program.mjs'])
  if (!/^true true true .*npm install /.test(said)) throw new Error(`it said ${said}`)
  return `encoder and Qdrant work, LanceDB says the line: ${await megabytes(project)} MB (goal 330)`
}

const empty: Consumer = async (setting) => `${await megabytes(await setting.install('empty', []))} MB (goal 540)`

async function megabytes(project: Project): Promise<number> {
  return Number.parseInt(await project.run('du', ['-sm', 'node_modules']), 10)
}

const jest: Consumer = async (setting) => {
  const project = await setting.project('jest')
  await project.write({
    'package.json': '{ "type": "module", "jest": { "transform": {}, "testEnvironment": "node" } }',
    'search.test.js': jestTest,
  })
  const bin = path.join(project.folder, '../node_modules/jest/bin/jest.js')
  await project.run('node', ['--experimental-vm-modules', bin, '--ci'])
  return 'works, with --experimental-vm-modules'
}

/** The store of the examples in a project of its own, under two runners, and its types. */
const ownStore: Consumer = async (setting) => {
  const project = await setting.project('own-store')
  await project.write({
    'package.json': '{ "type": "module" }',
    'memory-store.ts': await readFile(path.join(import.meta.dirname, '../../examples/memory-store.ts'), 'utf8'),
    'vitest.test.ts': suiteOfVitest,
    'node.test.ts': suiteOfNode,
    'vitest.config.js': "export default { test: { include: ['vitest.test.ts'], testTimeout: 60_000 } }",
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        module: 'nodenext',
        strict: true,
        exactOptionalPropertyTypes: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
        noEmit: true,
        types: ['node'],
      },
    }),
  })
  await project.run('tsc', [])
  await project.run('vitest', ['run'])
  const told = await project.run(nodeBinary('24'), ['--test', '--test-reporter=tap', 'node.test.ts'])
  const passed = Number(/^# pass (\d+)/m.exec(told)?.[1] ?? 0)
  if (passed < 40) throw new Error(`${passed} tests passed:\n${told}`)
  return `compiles, and passes the suite of qontrast/testing under vitest and node:test (${passed} tests)`
}

const vmThreads: Consumer = async (setting) => {
  const project = await setting.project('vitest')
  await project.write({
    'package.json': '{ "type": "module" }',
    'vitest.config.js': "export default { test: { pool: 'vmThreads', testTimeout: 60_000 } }",
    'search.test.js': vitestTest,
  })
  await project.run('vitest', ['run'])
  return 'works'
}

const viteConfig =
  "export default { build: { ssr: 'program.ts', outDir: 'out', rollupOptions: { output: { entryFileNames: 'program.mjs' } } } }"

const tsupConfig = "export default { entry: ['program.ts'], format: ['esm', 'cjs'], noExternal: ['qontrast'] }"

export const consumers: Readonly<Record<string, Consumer>> = {
  'Node 24': onNode('24'),
  'Node 22': onNode('22'),
  'Node 22.12': onNode('22.12.0'),
  'Node 20': refused,
  'CommonJS, Node 24': required('24'),
  'CommonJS, Node 22': required('22'),
  'CommonJS, Node 22.12': required('22.12.0'),
  'TypeScript, bundler': compiled('esnext', 'bundler', 'module'),
  'TypeScript, nodenext': compiled('nodenext', 'nodenext', 'module'),
  'TypeScript, nodenext, CommonJS': compiled('nodenext', 'nodenext', 'commonjs'),
  'esbuild, ESM': bundledBy('esbuild-esm', esbuild('esm'), ['out.mjs']),
  'esbuild, CommonJS': bundledBy('esbuild-cjs', esbuild('cjs'), ['out.cjs']),
  'esbuild, external': bundledBy('esbuild-external', esbuild('cjs', ['--external:qontrast']), ['out.cjs']),
  'esbuild, minified': bundledBy('esbuild-minified', esbuild('esm', ['--minify']), ['out.mjs']),
  'esbuild, copied away': bundleApart,
  tsup: bundledBy('tsup', (project) => project.run('tsup', ['program.ts', '--format', 'esm,cjs']), [
    'dist/program.js',
    'dist/program.cjs',
  ]),
  'tsup, all bundled': bundledBy(
    'tsup-all',
    async (project) => {
      await project.write({ 'tsup.config.mjs': tsupConfig })
      return project.run('tsup', [])
    },
    ['dist/program.js', 'dist/program.cjs'],
  ),
  'Vite SSR': bundledBy(
    'vite',
    async (project) => {
      await project.write({ 'vite.config.mjs': viteConfig })
      return project.run('vite', ['build'])
    },
    ['out/program.mjs'],
  ),
  'Vite SSR, all bundled': bundledBy(
    'vite-all',
    async (project) => {
      await project.write({ 'vite.config.mjs': viteConfig.replace('{ build', '{ ssr: { noExternal: true }, build') })
      return project.run('vite', ['build'])
    },
    ['out/program.mjs'],
  ),
  'A store of its own': ownStore,
  ...nextConsumers,
  Jest: jest,
  'vitest, vmThreads': vmThreads,
  'production only': production,
  'as in deploy/': slim,
  'installed, empty project': empty,
  'installed, --omit=optional': withoutOptional,
}
