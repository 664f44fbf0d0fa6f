import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** Who may import whom (docs/architecture.md); everything may import `shared`. */
const arrows: Record<string, readonly string[]> = {
  shared: [],
  graph: [],
  runtime: [],
  documents: [],
  media: [],
  embed: ['graph', 'media', 'runtime'],
  evaluate: ['embed'],
  index: ['embed', 'evaluate'],
  testing: ['index', 'embed'],
  finetune: ['embed', 'evaluate', 'graph', 'runtime'],
  api: ['index', 'embed'],
  cli: ['index', 'embed', 'evaluate', 'finetune', 'api', 'documents', 'runtime', 'graph'],
}
/** Arrows that carry types only. */
const typesOnly = new Set(['evaluate → embed'])
/** Who may import whom inside `index`: a room builds on those above it here, never the other way. `index` itself, with `search-index.ts`, may import all but `evaluate`. */
const roomsOfIndex: Record<string, readonly string[]> = {
  filter: [],
  payload: ['filter'],
  stores: ['filter'],
  text: ['stores'],
  generations: ['stores'],
  duplicates: ['filter', 'stores'],
  search: ['filter', 'payload', 'stores', 'text', 'generations'],
  write: ['payload', 'stores', 'text', 'generations'],
  reindex: ['stores', 'text', 'generations', 'write'],
  'search-index.ts': ['filter', 'payload', 'stores', 'text', 'generations', 'search', 'write'],
  evaluate: ['stores', 'text', 'write', 'search', 'search-index.ts'],
}
/** Who may import whom inside `finetune`; `types` are rooms of which only types are known: the engine knows no method, methods know no optimizer. */
const roomsOfFinetune: Record<string, { readonly values: readonly string[]; readonly types: readonly string[] }> = {
  autodiff: { values: [], types: [] },
  optimizer: { values: [], types: [] },
  losses: { values: ['optimizer'], types: [] },
  data: { values: [], types: [] },
  tower: { values: ['autodiff', 'optimizer'], types: [] },
  encoders: { values: ['tower'], types: ['optimizer', 'methods'] },
  methods: { values: ['tower', 'losses', 'encoders'], types: ['optimizer'] },
  engine: { values: ['autodiff', 'data', 'losses', 'optimizer', 'tower'], types: ['methods'] },
}
const longestFile = 300
const longestFunction = 80
const widestComment = 140
/** To be shortened: this list only shrinks. */
const longFunctions = new Set([
  'api/access/bound-view.ts boundView',
  'api/app.ts createApp',
  'api/catalog.ts createCatalog',
  'api/documents/read-lines.ts createLineReader',
  'api/metrics.ts createMetrics',
  'cli/index-documents.ts indexCommand',
  'graph/builder.ts createBuilder',
  'index/generations/members.ts createMembers',
  'index/reindex/carry-over.ts carryOver',
  'index/stores/lancedb.ts lancedb',
  'index/stores/lancedb/upkeep.ts createUpkeep',
  'index/write/add-documents.ts addDocuments',
  'index/write/live-writes.ts createLiveWriter',
  'runtime/process-pool.ts createProcessPool',
])
/** Rooms whose comments are still to be wrapped: this list only shrinks. */
const wideComments = new Set(['api', 'cli', 'documents', 'evaluate', 'finetune', 'graph', 'index', 'runtime'])
/** Packages that one folder alone imports. */
const keepers: Record<string, string> = {
  'onnxruntime-node': 'runtime',
  sharp: 'media',
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

test('inside finetune the engine knows no method, and methods no optimizer', () => {
  const wrong = files.flatMap(({ file, imports }) => {
    const [top, room = ''] = file.split('/')
    if (top !== 'finetune' || room.endsWith('.ts')) return []
    return imports.flatMap(({ specifier, typesOnly: onlyTypes }) => {
      if (!specifier.startsWith('.')) return []
      const [targetTop, target = ''] = path.posix.join(path.posix.dirname(file), specifier).split('/')
      if (targetTop !== 'finetune' || target === room || target.endsWith('.ts')) return []
      const { values, types } = roomsOfFinetune[room] ?? { values: [], types: [] }
      const isPlanned = values.includes(target) || (onlyTypes && types.includes(target))
      return isPlanned ? [] : [`${file}: ${room} → ${target}${onlyTypes ? ', for types' : ''} is not in the plan`]
    })
  })
  expect(wrong).toEqual([])
})

test('every room is in the plan', () => {
  expect(files.map(({ room }) => room).filter((room) => room !== 'root' && !(room in arrows))).toEqual([])
})

test('rooms of the index build on one another in one direction', () => {
  const roomIn = (file: string) => file.replace(/^index\//, '').split('/')[0] ?? ''
  const wrong = files
    .filter(({ file }) => file.startsWith('index/') && file !== 'index/index.ts')
    .flatMap(({ file, imports }) =>
      imports.flatMap(({ specifier }) => {
        const target = path.posix.join(path.posix.dirname(file), specifier)
        const [room, other] = [roomIn(file), roomIn(target)]
        if (!specifier.startsWith('.') || !target.startsWith('index/') || room === other) return []
        return roomsOfIndex[room]?.includes(other) ? [] : [`${file}: ${room} → ${other} is not in the plan`]
      }),
    )
  expect(wrong).toEqual([])
})

test('no files import one another in a circle', () => {
  const targets = new Map(
    files.map(({ file, imports }) => [
      file,
      imports
        .filter(({ specifier, typesOnly: onlyTypes }) => specifier.startsWith('.') && !onlyTypes)
        .map(({ specifier }) => path.posix.join(path.posix.dirname(file), specifier)),
    ]),
  )
  const circles: string[] = []
  const left = new Set<string>()
  const visit = (file: string, above: readonly string[]) => {
    if (above.includes(file)) circles.push([...above.slice(above.indexOf(file)), file].join(' → '))
    else if (!left.has(file)) for (const target of targets.get(file) ?? []) visit(target, [...above, file])
    left.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  expect(circles).toEqual([])
})

test('no file is longer than it should be', () => {
  expect(files.filter(({ text }) => text.split('\n').length > longestFile).map(({ file }) => file)).toEqual([])
})

test('no function is longer than it should be', () => {
  const long = files.flatMap(({ file, text }) => functionsOf(file, text)).filter(({ lines }) => lines > longestFunction)
  expect(long.filter(({ name }) => !longFunctions.has(name))).toEqual([])
})

/** Functions with a body by the name they are kept under. */
function functionsOf(file: string, text: string): { name: string; lines: number }[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const lineAt = (offset: number) => source.getLineAndCharacterOfPosition(offset).line
  const found: { name: string; lines: number }[] = []
  const visit = (node: ts.Node, keptAs: string): void => {
    const named = nameOf(node) ?? keptAs
    if (ts.isFunctionLike(node) && 'body' in node && node.body)
      found.push({ name: `${file} ${named}`, lines: lineAt(node.end) - lineAt(node.getStart()) + 1 })
    ts.forEachChild(node, (child) => visit(child, named))
  }
  visit(source, '')
  return found
}

function nameOf(node: ts.Node): string | undefined {
  const isNamed =
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isVariableDeclaration(node) ||
    ts.isPropertyAssignment(node)
  return isNamed ? node.name?.getText() : undefined
}

test('no comment is wider than it should be', () => {
  const wide = files
    .filter(({ room }) => !wideComments.has(room))
    .flatMap(({ file, text }) =>
      text
        .split('\n')
        .flatMap((line, i) =>
          line.length > widestComment && /^\s*(\/\/|\/\*|\*)/.test(line) ? [`${file}:${i + 1}`] : [],
        ),
    )
  expect(wide).toEqual([])
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
