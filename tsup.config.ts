import { cp, readFile } from 'node:fs/promises'
import { defineConfig } from 'tsup'

/**
 * LanceDB's JavaScript is bundled, its native code comes from its platform packages (docs/decisions/lancedb-bundled.md).
 * Its loader also looks for binaries beside itself, which only its own repository has.
 */
const lancedbLoader = {
  name: 'lancedb-loader',
  setup(build: import('esbuild').PluginBuild) {
    build.onLoad({ filter: /@lancedb[\\/]lancedb[\\/]dist[\\/]native\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const absent = '(() => { throw new Error("not beside this file") })()'
      return { contents: source.replace(/require\('\.\/lancedb\.[^']+\.node'\)/g, absent), loader: 'js' }
    })
  },
}

/** The reference at /docs is served from these files, so that it needs no network. */
const swaggerUi = ['swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt', 'swagger-ui.css']

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    server: 'src/api/index.ts',
    'cli/main': 'src/cli/main.ts',
    'inference-worker': 'src/embed/transformer/worker.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node22',
  splitting: true,
  clean: true,
  dts: { entry: { main: 'src/main.ts', server: 'src/api/index.ts' } },
  noExternal: [/^@lancedb\/lancedb$/, 'reflect-metadata', '@opentelemetry/api'],
  external: [/^@lancedb\/lancedb-/, 'apache-arrow', 'openai', '@huggingface/transformers'],
  esbuildPlugins: [lancedbLoader],
  async onSuccess() {
    for (const file of swaggerUi) await cp(`node_modules/swagger-ui-dist/${file}`, `dist/swagger-ui/${file}`)
  },
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
