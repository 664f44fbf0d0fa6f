import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Who may import whom (docs/architecture.md); everything may import `shared`. */
const arrows: Record<string, readonly string[]> = {
  shared: [],
  graph: [],
  runtime: [],
  documents: [],
  embed: ['graph', 'runtime'],
  evaluate: ['embed'],
  index: ['embed', 'evaluate'],
  finetune: ['embed', 'evaluate', 'graph', 'runtime'],
  api: ['index', 'embed'],
  cli: ['index', 'embed', 'evaluate', 'finetune', 'api', 'documents', 'runtime', 'graph'],
}
/** Arrows that carry types only. */
const typesOnly = new Set(['evaluate → embed'])
const longestFile = 400
/** Packages that one folder alone imports. */
const keepers: Record<string, string> = {
  'onnxruntime-node': 'runtime',
  '@lancedb/lancedb': 'index',
  '@qdrant/js-client-rest': 'index',
  hono: 'api',
  '@hono/node-server': 'api',
  '@hono/zod-openapi': 'api',
  'prom-client': 'api',
}

const root = fileURLToPath(new URL('../src/', import.meta.url))
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => {
    const text = readFileSync(path.join(root, file), 'utf8')
    return { file: file.split(path.sep).join('/'), room: roomOf(file), text, imports: importsOf(text) }
  })

function roomOf(file: string): string {
  const [first = ''] = file.split(path.sep)
  return first.endsWith('.ts') ? 'root' : first
}

function importsOf(text: string): { specifier: string; typesOnly: boolean }[] {
  const statements = text.matchAll(
    /(?:import|export)\s+(type\s+)?[^'"`;()]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
  )
  return [...statements].map(([, type, from, dynamic]) => ({
    specifier: from ?? dynamic ?? '',
    typesOnly: type !== undefined,
  }))
}

test('every file imports only the rooms that the plan allows, through their index', () => {
  const wrong = files.flatMap(({ file, room, imports }) =>
    imports.flatMap(({ specifier, typesOnly: onlyTypes }) => {
      if (!specifier.startsWith('.')) return []
      const target = path.posix.join(path.posix.dirname(file), specifier)
      const targetRoom = target.split('/')[0] ?? ''
      if (targetRoom === room || room === 'root' || targetRoom.endsWith('.ts')) return []
      const arrow = `${room} → ${targetRoom}`
      if (target !== `${targetRoom}/index.ts`) return [`${file}: ${specifier} goes past ${targetRoom}/index.ts`]
      if (targetRoom !== 'shared' && !arrows[room]?.includes(targetRoom))
        return [`${file}: ${arrow} is not in the plan`]
      if (typesOnly.has(arrow) && !onlyTypes) return [`${file}: ${arrow} is for types only`]
      return []
    }),
  )
  expect(wrong).toEqual([])
})

test('every room is in the plan', () => {
  expect(files.map(({ room }) => room).filter((room) => room !== 'root' && !(room in arrows))).toEqual([])
})

test('no file is longer than it should be', () => {
  expect(files.filter(({ text }) => text.split('\n').length > longestFile).map(({ file }) => file)).toEqual([])
})

test('a package with a keeper is imported by its keeper alone', () => {
  const wrong = files.flatMap(({ file, room, imports }) =>
    imports.flatMap(({ specifier, typesOnly: onlyTypes }) => {
      const keeper = keepers[specifier]
      return keeper && keeper !== room && !onlyTypes ? [`${file} imports ${specifier}`] : []
    }),
  )
  expect(wrong).toEqual([])
})
