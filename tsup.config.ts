import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { defineConfig } from 'tsup'
import manifest from './package.json' with { type: 'json' }
import { thirdPartyLicences } from './tools/support/third-party.ts'

type Plugin = import('esbuild').Plugin
type TsupPlugin = NonNullable<import('tsup').Options['plugins']>[number]

/**
 * LanceDB's JavaScript is bundled, its native code comes from its platform packages (docs/decisions/lancedb-bundled.md).
 * Its loader also looks for binaries beside itself, which only its own repository has; it finds the packages from ours, wherever a bundle is.
 */
const packageFiles = fileURLToPath(new URL('src/shared/package-files.ts', import.meta.url))
const lancedbLoader: Plugin = {
  name: 'lancedb-loader',
  setup(build) {
    build.onLoad({ filter: /@lancedb[\\/]lancedb[\\/]dist[\\/]native\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const absent = '(() => { throw new Error("not beside this file") })()'
      const own = `const __installed = (name) => require(${JSON.stringify(packageFiles)}).installedModule(name).load();`
      const contents = source
        .replace(/require\('\.\/lancedb\.[^']+\.node'\)/g, absent)
        .replace(/require\(('@lancedb\/lancedb-[^']+')\)/g, '__installed($1)')
      return { contents: `${own}\n${contents}`, loader: 'js' }
    })
  },
}

/** Everything that is bundled is named with its licence. */
const licences: Plugin = {
  name: 'licences',
  setup(build) {
    build.initialOptions.metafile = true
    build.onEnd(async ({ metafile }) => {
      const used = Object.values(metafile?.outputs ?? {}).flatMap(({ inputs }) => Object.keys(inputs))
      await mkdir('dist', { recursive: true })
      await writeFile('dist/third-party-licences.txt', await thirdPartyLicences(used))
    })
  },
}

/** Optional peers are found when they are asked for: a bundler that looked for them would fail where they are not installed. */
const peersUnseen: TsupPlugin = {
  name: 'peers-unseen',
  renderChunk(code) {
    const unseen = '/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */'
    return {
      code: code.replace(/\bimport\("([^"]+)"\)/g, (whole, name: string) =>
        name in manifest.peerDependencies ? `import(${unseen} ['${name}'].join(''))` : whole,
      ),
    }
  },
}

/** The reference at /docs is served from these files, so that it needs no network. */
const swaggerUi = ['swagger-ui-bundle.js', 'swagger-ui.css']

/** In a bundle that somebody made of this as CommonJS, `import.meta.url` is undefined and `__filename` is not. */
const ownRequire = `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url || (typeof __filename === 'string' ? __filename : process.cwd() + '/'));`

/** Types of what is bundled stand in our declarations; those of packages in `node_modules` would be left outside. */
const typesInside = {
  '@qdrant/js-client-rest': ['./dist-types/@qdrant/js-client-rest/dist/types/index.d.ts'],
  '@qdrant/openapi-typescript-fetch': ['./dist-types/@qdrant/openapi-typescript-fetch/dist/index.d.ts'],
}
await cp('node_modules/@qdrant', 'dist-types/@qdrant', { recursive: true, filter: (from) => !/\.js$/.test(from) })

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    server: 'src/api/index.ts',
    client: 'src/api/client.ts',
    testing: 'src/testing/index.ts',
    'cli/main': 'src/cli/main.ts',
    'inference-worker': 'src/embed/graph-encoder/worker.ts',
    'picture-worker': 'src/embed/image/picture-worker.ts',
    'batch-worker': 'src/finetune/data/batch-worker.ts',
    'step-worker': 'src/finetune/engine/step-worker.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node22',
  splitting: true,
  clean: true,
  dts: {
    entry: {
      main: 'src/main.ts',
      server: 'src/api/index.ts',
      client: 'src/api/client.ts',
      testing: 'src/testing/index.ts',
    },
    compilerOptions: { paths: typesInside },
  },
  // what stands in `dependencies` stays outside, what stands in `devDependencies` is bundled (docs/decisions/bundled.md)
  external: [/^@lancedb\/lancedb-/, 'openai', '@huggingface/transformers'],
  esbuildPlugins: [lancedbLoader, licences],
  plugins: [peersUnseen],
  async onSuccess() {
    const from = 'node_modules/swagger-ui-dist'
    await mkdir('dist/swagger-ui', { recursive: true })
    for (const file of swaggerUi)
      await writeFile(`dist/swagger-ui/${file}.gz`, gzipSync(await readFile(`${from}/${file}`), { level: 9 }))
    const notices = 'swagger-ui-bundle.js.LICENSE.txt'
    await copyFile(`${from}/${notices}`, `dist/swagger-ui/${notices}`)
  },
  banner: { js: ownRequire },
})
