/**
 * What many single writes leave behind: an index of 10,000 documents after single puts, replacements and deletes, beside one that was made of the
 * same documents at once. Both are measured in turn, in one process; the goal is 1.5 times the fresh one.
 *
 *     npm run bench:upkeep                          10,000 writes of each kind
 *     npm run bench:upkeep -- 1000                  fewer
 *     QDRANT_URL=http://localhost:6333 npm run bench:upkeep -- 1000 qdrant
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { medQuadTask } from '../examples/medquad.ts'
import { type Document, lancedb, loadEncoder, openIndex, qdrant, type SearchIndex } from '../src/main.ts'
import { machine, percentile } from './support/sides.ts'

const [given = '10000', kind = 'lancedb'] = process.argv.slice(2)
const writes = Number(given)
const base = 10_000
const asked = 200
const put = 60

const { documents, queries } = await medQuadTask()
const numbered = (i: number, version = 1): Document => {
  const { title, text } = documents[i % documents.length]!
  return { id: `d${i}`, ...(title === undefined ? {} : { title }), text: `${text.slice(0, 600)} ${i}.${version}` }
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
const folders: string[] = []
await using encoder = await loadEncoder()

async function made(name: string, first: readonly Document[]) {
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-bench-'))
  folders.push(folder)
  const store = kind === 'qdrant' ? qdrant({ url: process.env['QDRANT_URL'] ?? '' }) : lancedb({ path: folder })
  let parts = ''
  store.onMaintenance?.(({ parts: now }) => {
    if (now) parts = `${now.fragments} fragments, ${now.vectorSegments} segments, ${now.unindexed} not indexed`
  })
  const index = await openIndex({ name, encoder, store })
  await index.add(first, { chunk: false })
  return { index, parts: () => parts, close: () => index.close().then(() => store.close()) }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const single = (index: SearchIndex, document: Document) => timed(() => index.add([document], { chunk: false }))
const figures = (list: readonly number[]) =>
  `${percentile(list, 0.5).toFixed(1)} / ${percentile(list, 0.99).toFixed(1)}`

/** Searches and puts on both, in turn. */
async function compare(what: string, worn: Made, now: readonly Document[]): Promise<void> {
  const fresh = await made(`bench-fresh-${Date.now()}`, now)
  const sides = [worn, fresh].map((side) => ({ ...side, searches: [] as number[], puts: [] as number[] }))
  await pause(500)
  for (let i = -20; i < asked; i++)
    for (const { index, searches } of sides) {
      const time = await timed(() => index.search(queries[Math.abs(i) % queries.length]!.text))
      if (i >= 0) searches.push(time)
    }
  for (let i = 0; i < put; i++)
    for (const { index, puts } of sides) puts.push(await single(index, numbered(1_000_000 + i)))
  const [a, b] = sides
  if (!a || !b) return
  const ratio = (of: 'searches' | 'puts') => (percentile(a[of], 0.5) / percentile(b[of], 0.5)).toFixed(2)
  console.log(
    `| ${what} | ${figures(a.searches)} | ${figures(b.searches)} | ${ratio('searches')} | ${figures(a.puts)} | ${figures(b.puts)} | ${ratio('puts')} | ${a.parts()} |`,
  )
  for (const { index } of sides) await index.delete(range(0, put).map((i) => `d${1_000_000 + i}`))
  await fresh.index.drop()
  await fresh.close()
}
type Made = Awaited<ReturnType<typeof made>>

console.log(`${machine()}, ${kind}, ${base} documents, ${writes} single writes of each kind; milliseconds, p50 / p99\n`)
console.log('| after | search | fresh | ratio | put | fresh | ratio | parts |\n|---|---|---|---|---|---|---|---|')
const worn = await made(
  `bench-worn-${Date.now()}`,
  range(0, base).map((i) => numbered(i)),
)
const during: number[] = []

for (const i of range(base, base + writes)) during.push(await single(worn.index, numbered(i)))
await compare(
  'puts of new documents',
  worn,
  range(0, base + writes).map((i) => numbered(i)),
)
for (const i of range(base, base + writes)) during.push(await single(worn.index, numbered(i, 2)))
await compare(
  'puts that replace',
  worn,
  range(0, base + writes).map((i) => numbered(i, i < base ? 1 : 2)),
)
const deletes: number[] = []
for (const i of range(base, base + writes)) deletes.push(await timed(() => worn.index.delete(`d${i}`)))
await compare(
  'deletes',
  worn,
  range(0, base).map((i) => numbered(i)),
)

const tenth = Math.ceil(during.length / 10)
console.log(
  `\nputs while they went on: the first tenth ${figures(during.slice(0, tenth))}, the last ${figures(during.slice(-tenth))}; deletes ${figures(deletes)}`,
)
await worn.index.drop()
await worn.close()
for (const folder of folders) await rm(folder, { recursive: true, force: true })
