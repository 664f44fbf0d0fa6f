import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import * as server from '../src/api/index.ts'
import * as main from '../src/main.ts'

test('the package exports what its users rely on', () => {
  expect(Object.keys(main).sort()).toMatchInlineSnapshot(`
    [
      "QontrastError",
      "adamW",
      "and",
      "arithmetic",
      "backupIndexes",
      "bundledEncoder",
      "constraints",
      "contains",
      "copyIndex",
      "defineStore",
      "dropOldIndex",
      "eq",
      "evaluateSearch",
      "exists",
      "findClusters",
      "findDuplicates",
      "finetune",
      "float32Tensor",
      "gt",
      "gte",
      "infoNce",
      "int64Tensor",
      "isQontrastError",
      "knnEvaluator",
      "lancedb",
      "listIndexes",
      "loadEncoder",
      "lt",
      "lte",
      "matchesFilter",
      "not",
      "oneOf",
      "openIndex",
      "or",
      "qdrant",
      "range",
      "readDocuments",
      "readLabelledData",
      "readPairs",
      "readRetrievalData",
      "readRetrievalQueries",
      "readSimilarityData",
      "readableExtensions",
      "reindex",
      "reportOf",
      "retrievalEvaluator",
      "rollbackIndex",
      "scoreRankings",
      "sgd",
      "similarityEvaluator",
      "textContent",
      "transformer",
      "undoUpgrade",
      "upgradeIndex",
    ]
  `)
})

test('its server entry too', () => {
  expect(Object.keys(server).sort()).toMatchInlineSnapshot(`
    [
      "createApp",
      "createKey",
      "createKeyring",
      "defaultLimits",
      "keysFileSchema",
      "scopes",
      "serve",
    ]
  `)
})

test('importing the package loads no store, no runtime and no network client', () => {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = new Set()
    registerHooks({ resolve: (specifier, context, next) => { loaded.add(specifier); return next(specifier, context) } })
    await import(${JSON.stringify(new URL('../src/main.ts', import.meta.url).href)})
    console.log(JSON.stringify([...loaded]))`
  const loaded: string[] = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  )
  const packages = loaded.filter((specifier) => !/^(node:|\.|file:)/.test(specifier))
  for (const heavy of [
    '@lancedb/lancedb',
    'apache-arrow',
    'onnxruntime-node',
    '@huggingface/hub',
    '@huggingface/tokenizers',
    '@qdrant/js-client-rest',
    'undici',
    'hono',
    'sharp',
  ]) {
    expect(packages).not.toContain(heavy)
  }
})
