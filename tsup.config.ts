import { defineConfig } from 'tsup'

/** LanceDB's platform packages hold its native code; its JavaScript is bundled (see docs/decisions/lancedb-bundled.md). */
const lancedbPlatforms = /^@lancedb\/lancedb-/

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    'cli/main': 'src/cli/main.ts',
    'inference-worker': 'src/embed/transformer/worker.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node22',
  splitting: true,
  clean: true,
  dts: { entry: { main: 'src/main.ts' } },
  noExternal: [/^@lancedb\/lancedb$/, 'reflect-metadata', '@opentelemetry/api'],
  external: [lancedbPlatforms, 'apache-arrow', 'openai', '@huggingface/transformers'],
})
