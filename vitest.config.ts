import { tmpdir } from 'node:os'
import path from 'node:path'
import { defineConfig } from 'vitest/config'

const source = (file: string) => path.join(import.meta.dirname, 'src', file)

export default defineConfig({
  resolve: {
    // tests of examples run on the source, as all tests do
    alias: [
      { find: /^qontrast$/, replacement: source('main.ts') },
      { find: /^qontrast\/testing$/, replacement: source('testing/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    typecheck: { enabled: true, include: ['test/**/*-types.test.ts'], tsconfig: './tsconfig.json' }, // what expectTypeOf says is compiled
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    env: { NODE_COMPILE_CACHE: path.join(tmpdir(), 'qontrast-compile-cache') }, // for the processes that tests start
  },
})
