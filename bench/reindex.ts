/**
 * Re-indexes MedQuAD under 20 searches a second: the bundled encoder against the same one with its dimensions turned round, so that a cosine tells whether
 * query and document come from one model. Each search asks for a document by its own text: what is not found at a cosine of 1 is mixed.
 *
 *     npm run bench:reindex
 *     QDRANT_URL=http://localhost:6333 npm run bench:reindex -- 2000        on a server, so many documents of it
 */
import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { medQuadTask } from '../examples/medquad.ts'
import { dropOldIndex, lancedb, loadEncoder, openIndex, qdrant, reindex, rollbackIndex } from '../src/main.ts'
import { readSafetensors, writeSafetensors } from '../src/shared/index.ts'
import { machine, percentile } from './support/sides.ts'

const everyMilliseconds = 50
const afterwardsMilliseconds = 4_000
const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-bench-'))
const documents = (await medQuadTask()).documents.slice(0, Number(process.argv[2] ?? 1e9))
await using encoder = await loadEncoder()
await using turned = await loadEncoder(await turnedModel(path.join(folder, 'turned')))
const url = process.env['QDRANT_URL']
await using store = url === undefined ? lancedb({ path: path.join(folder, 'data') }) : qdrant({ url })
await using index = await openIndex({ name: 'medquad', encoder, store })

const seconds = (since: number) => (performance.now() - since) / 1000
const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

console.log(
  `${documents.length} documents of MedQuAD, a search every ${everyMilliseconds} ms, ${store.name.split(':', 1)} · ${machine()}\n`,
)
row('what', 's', 'chunks embedded', 'searches', 'failed', 'mixed', 'p50, p99 ms')
row(...Array<string>(7).fill('---'))
const indexing = performance.now()
const { chunks } = await index.add(documents)
row('index, no searches', seconds(indexing).toFixed(1), chunks, 0, 0, 0, '')

const asked = await findable()
const target = { store, index: 'medquad' }
await underSearches('re-index', async () => (await reindex({ ...target, encoder: turned })).chunks)
await underSearches('roll back', async () => (await rollbackIndex(target)).chunks)
await underSearches('again, and drop the old one at once', async () => {
  const report = await reindex({ ...target, encoder: turned })
  await dropOldIndex(target)
  return report.chunks
})
console.log(`\nThe index is searched with ${index.encoder === encoder ? 'the old' : 'the new'} model in the end.`)

/** Runs work while the index that was opened in the beginning is searched, and for some seconds afterwards, in which it moves over; prints what became of the searches. */
async function underSearches(what: string, work: () => Promise<number>): Promise<void> {
  const milliseconds: number[] = []
  const searches: Promise<void>[] = []
  let failed = 0
  let mixed = 0
  const search = async ({ id, text }: { id: string; text: string }) => {
    const start = performance.now()
    try {
      const [hit] = await index.search(text, { mode: 'dense', limit: 1 })
      if (!hit || hit.score < 0.999) mixed += 1
    } catch (error) {
      failed += 1
      console.error(`search for ${id}: ${error}`)
    }
    milliseconds.push(performance.now() - start)
  }
  const timer = setInterval(() => {
    const one = asked[searches.length % asked.length]
    if (one) searches.push(search(one))
  }, everyMilliseconds)
  const started = performance.now()
  const embedded = await work()
  const took = seconds(started)
  await new Promise((resolve) => setTimeout(resolve, afterwardsMilliseconds))
  clearInterval(timer)
  await Promise.all(searches)
  const delays = [0.5, 0.99].map((p) => percentile(milliseconds, p).toFixed(0)).join(', ')
  row(what, took.toFixed(1), embedded, searches.length, failed, mixed, delays)
}

/** Documents of one chunk, asked for as they are embedded: title, line break, text. Long titles are cut there, so those that are not found exactly now are left out. */
async function findable(): Promise<{ id: string; text: string }[]> {
  const { points } = await store.scroll('medquad', { limit: 1_000 })
  const single = points.filter(({ chunks, title }) => chunks === 1 && title !== undefined)
  const queries = single.map(({ documentId: id, title, content }) => ({ id, text: `${title}\n${content.text}` }))
  const lists = await index.searchMany(
    queries.map(({ text }) => text),
    { mode: 'dense', limit: 1 },
  )
  return queries.filter((_, i) => (lists[i]?.[0]?.score ?? 0) > 0.999)
}

/** The bundled model with the second half of each vector before the first. */
async function turnedModel(to: string): Promise<string> {
  const from = fileURLToPath(new URL('../models/default/', import.meta.url))
  await cp(from, to, { recursive: true, filter: (file) => !path.basename(file).startsWith('.qontrast') })
  const tensors = await readSafetensors(path.join(from, 'model.safetensors'))
  const turnedTensors = [...tensors].map(([name, tensor]) => {
    const { shape } = tensor
    const [rows = 0, columns = 1] = shape
    const values = tensor.toFloat32()
    if (shape.length < 2) return { name, dtype: 'F32' as const, shape, values }
    const moved = values.map((_, i) => {
      const start = i - (i % columns)
      return values[start + (((i % columns) + columns / 2) % columns)] ?? Number.NaN
    })
    return { name, dtype: 'F32' as const, shape: [rows, columns], values: moved }
  })
  await writeSafetensors(path.join(to, 'model.safetensors'), turnedTensors)
  return to
}
