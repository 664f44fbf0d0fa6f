import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { backupIndexes, type Encoder, lancedb, loadEncoder, openIndex } from '../../../src/main.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { upkeepPoint, upkeepSchema } from '../../support/upkeep-points.ts'

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})

test('a copy made while a writer writes and merges is whole, answers alike and can be written to', async () => {
  const from = path.join(folder, 'busy')
  const to = path.join(folder, 'backups', 'one')
  await using store = lancedb({ path: from, approximateFrom: 100 })
  await store.ensure('docs', upkeepSchema)
  await store.upsert(
    'docs',
    Array.from({ length: 300 }, (_, i) => upkeepPoint(i)),
  )
  await store.optimize('docs')

  let next = 300
  let stop = false
  const writing = (async () => {
    for (; !stop; next++) {
      await store.upsert('docs', [upkeepPoint(next)])
      if (next % 3 === 0) await store.delete('docs', { documents: [`d${next}`] })
      if (next % 10 === 0) await store.optimize('docs')
    }
  })()
  for (const name of ['one', 'two', 'three']) {
    const before = next - 1
    const report = await backupIndexes({ path: from, to: path.join(folder, 'backups', name) })
    const after = next
    await using copy = lancedb({ path: path.join(folder, 'backups', name), approximateFrom: 100 })
    const ids = (await copy.scroll('docs', { limit: 10_000 })).points.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(report.collections).toEqual({ docs: ids.length })
    const known = new Set(ids)
    for (let i = 0; i <= before; i++) expect([i, known.has(`d${i}#0`)]).toEqual([i, i < 300 || i % 3 !== 0])
    for (const id of ids) expect(Number(id.slice(1, -2))).toBeLessThanOrEqual(after)
  }
  stop = true
  await writing

  await using copy = lancedb({ path: to, approximateFrom: 100 })
  for (let i = 0; i < 40; i += 7) {
    const { vector, terms } = upkeepPoint(i)
    for (const query of [
      { mode: 'dense', vector, limit: 1 },
      { mode: 'bm25', terms: terms.slice(0, 1), limit: 1 },
    ] as const) {
      const [ours, theirs] = await Promise.all([copy, store].map((one) => one.query('docs', query)))
      expect(ours?.[0]?.point).toEqual(theirs?.[0]?.point)
    }
  }
  await copy.upsert('docs', [upkeepPoint(100_000)])
  await copy.optimize('docs')
  expect((await copy.get('docs', { ids: ['d100000#0'] })).map(({ content }) => content.text)).toEqual([
    'text of 100000',
  ])
})

test('an index is restored with its name and its marks; what is in the way is left alone', async () => {
  const encoder: Encoder = await loadEncoder()
  const [from, to] = [path.join(folder, 'library'), path.join(folder, 'copy')]
  await using index = await openIndex({ name: 'docs', encoder, path: from })
  const documents = [
    { id: 'a', text: 'Asthma is treated with inhalers.' },
    { id: 'b', text: 'Ticks carry diseases.' },
  ]
  await index.add(documents, { prune: true })
  await mkdir(to)
  await backupIndexes({ path: from, to })
  await using restored = await openIndex({ name: 'docs', encoder, path: to })
  expect(await restored.search('how is asthma treated?')).toEqual(await index.search('how is asthma treated?'))
  expect(await restored.add(documents.slice(1), { prune: true })).toMatchObject({ unchanged: 1, pruned: 1 })

  const file = path.join(folder, 'full', 'mine')
  await mkdir(path.dirname(file))
  await writeFile(file, 'mine')
  for (const [options, code] of [
    [{ path: from, to: path.dirname(file) }, 'invalid-option'],
    [{ path: from, to: from }, 'invalid-option'],
    [{ path: from, to: path.join(from, 'inside') }, 'invalid-option'],
    [{ path: path.join(folder, 'absent'), to: path.join(folder, 'new') }, 'index-not-found'],
    [{ path: from, to: path.join(folder, 'new'), signal: AbortSignal.abort() }, 'aborted'],
  ] as const)
    await expect(backupIndexes(options)).rejects.toMatchObject({ code })
  expect(await readdir(path.dirname(file))).toEqual(['mine'])
  expect(await readdir(folder)).not.toContain('new')
  expect(await readdir(folder)).not.toContain('new.partial')
  await encoder.close()
})
