import { spawnSync } from 'node:child_process'
import { access, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isDue } from '../../../src/index/stores/lancedb/maintenance.ts'
import { lancedb } from '../../../src/index/stores/lancedb.ts'
import type { CollectionParts, MaintenanceRun, Point } from '../../../src/index/stores/store.ts'
import { seededPoints, seededSchema } from '../../support/points.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const dimensions = 16
const points = seededPoints(520, dimensions)
const base = points.slice(0, 400)
const fresh: CollectionParts = { points: 10_000, fragments: 3, vectorSegments: 1, unindexed: 0, versions: 5 }

let folder: string
let store: ReturnType<typeof lancedb>
let runs: MaintenanceRun[]
beforeEach(async () => {
  folder = await temporaryFolder()
  store = lancedb({ path: folder, approximateFrom: 100 })
  runs = []
  store.onMaintenance?.((run) => runs.push(run))
  await store.ensure('docs', seededSchema(dimensions))
  await store.upsert('docs', base)
  await store.optimize('docs')
})
afterEach(() => store.close())

/** The next that the store tells of, after what is done meanwhile. */
function next(kind: MaintenanceRun['kind']): Promise<MaintenanceRun> {
  return new Promise((resolve) => {
    const stop = store.onMaintenance?.((run) => {
      if (run.kind !== kind) return
      stop?.()
      resolve(run)
    })
  })
}

async function expectSame(expected: readonly Point[]): Promise<void> {
  await using other = lancedb({ path: await temporaryFolder(), approximateFrom: 100 })
  await other.ensure('docs', seededSchema(dimensions))
  await other.upsert('docs', expected)
  await other.optimize('docs')
  await store.optimize('docs')
  const [ours, theirs] = await Promise.all([store, other].map((one) => one.scroll('docs', { limit: 2_000 })))
  expect(ours?.points).toEqual(theirs?.points)
  for (const { vector } of points.slice(0, 20)) {
    const query = { mode: 'dense', vector, limit: 5 } as const
    const [a, b] = await Promise.all([store.query('docs', query), other.query('docs', query)])
    expect(a.map(({ point }) => point.id)).toEqual(b.map(({ point }) => point.id))
  }
}

test('a merge that was asked for leaves nothing that another one would free', async () => {
  const bytes = async () => (await store.info('docs'))?.bytes ?? 0
  for (let start = 0; start < 400; start += 20) await store.upsert('docs', points.slice(start, start + 20))
  await store.optimize('docs')
  const left = await bytes()
  await store.optimize('docs')
  expect(left).toBeLessThan((await bytes()) * 1.05)
})

describe('single writes', () => {
  test('leave few parts behind, and each is found from the moment it was put', async () => {
    for (const [i, point] of points.slice(400).entries()) {
      await store.upsert('docs', [point])
      if (i % 20 === 0)
        expect((await store.query('docs', { mode: 'dense', vector: point.vector, limit: 1 }))[0]?.point.id).toBe(
          point.id,
        )
    }
    await store.optimize('docs')
    const { parts } = runs.findLast(({ kind }) => kind === 'merge') ?? {} // the one that was asked for: one at a time, and it was told
    expect(parts).toMatchObject({ points: 520, unindexed: 0 })
    expect(parts?.vectorSegments).toBeLessThanOrEqual(9) // merging rests for four fifths of the time, and may be some behind
    for (const { parts } of runs) expect(parts?.fragments).toBeLessThan(60)
    expect(runs.every(({ error }) => error === undefined)).toBe(true)
    await expectSame(points)
  })

  test('of the same ids again, and deletes, leave what they mean', async () => {
    const other = new Map(
      points
        .slice(0, 25)
        .map((point) => [point.id, { ...point, content: { ...point.content, text: `${point.content.text}, again` } }]),
    )
    for (const point of other.values()) await store.upsert('docs', [point])
    for (const { documentId } of points.slice(25, 50)) await store.delete('docs', { documents: [documentId] })
    await expectSame(base.filter((_, i) => i < 25 || i >= 50).map((point) => other.get(point.id) ?? point))
  })

  test('are looked at in the background, without being asked to', async () => {
    const merged = next('merge')
    for (const point of points.slice(400, 440)) await store.upsert('docs', [point])
    expect((await merged).parts?.points).toBeGreaterThan(400)
  })

  test('of a process that was there before are seen at the first write of the next one', async () => {
    await store.upsert('docs', points.slice(400, 463)) // many at once: no look follows
    await store.close()
    store = lancedb({ path: folder, approximateFrom: 100 })
    const merged = next('merge')
    await store.upsert('docs', points.slice(463, 464))
    expect((await merged).parts).toMatchObject({ points: 464, unindexed: 0 })
  })

  test('merging is over once the store is closed', async () => {
    await store.upsert('docs', points.slice(400, 463))
    await store.upsert('docs', points.slice(463, 464))
    await store.close()
    const told = runs.length
    await using again = lancedb({ path: folder })
    expect(await again.count('docs')).toBe(464)
    expect(runs).toHaveLength(told)
    await expect(access(path.join(folder, 'docs.upkeep'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a collection can be dropped, and made again, while it is looked at', async () => {
    for (const point of points.slice(400, 420)) await store.upsert('docs', [point])
    void store.optimize('docs', { when: 'background' })
    const merging = store.optimize('docs').catch(() => {}) // it may come to it, or find nothing
    await store.drop('docs')
    await merging
    await store.ensure('docs', seededSchema(dimensions))
    await store.upsert('docs', points.slice(0, 3))
    expect(await store.count('docs')).toBe(3)
  })
})

describe('one process at a time', () => {
  const lock = () => path.join(folder, 'docs.upkeep')

  test('merging waits for a process that is at it', async () => {
    await writeFile(lock(), `${hostname()} ${process.pid}`)
    let done = false
    const waiting = store.optimize('docs').then(() => {
      done = true
    })
    await store.upsert('docs', points.slice(400, 410)) // writes do not
    expect(done).toBe(false)
    await rm(lock())
    await waiting
  })

  test('what a killed process left is taken over', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    await writeFile(lock(), `${hostname()} ${pid}`)
    await store.optimize('docs')
    await expect(access(lock())).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('stores of two processes that write and merge lose nothing', async () => {
    const other = lancedb({ path: folder, approximateFrom: 100 })
    await Promise.all(
      [store, other].map(async (one, side) => {
        for (const [i, point] of points.slice(400, 430).entries()) {
          await one.upsert('docs', [{ ...point, id: `${point.id}/${side}` }])
          if (i % 10 === 0) await one.optimize('docs')
        }
      }),
    )
    expect(await store.count('docs')).toBe(460)
    await other.close()
  })
})

describe('merging pays', () => {
  test.each([
    ['a fresh table', {}, false],
    ['some new rows', { unindexed: 100 }, false],
    ['a hundred new', { unindexed: 101 }, true],
    ['a fiftieth of a small one', { points: 1_000, unindexed: 21 }, true],
    ['some in a large one', { points: 200_000, unindexed: 1_000 }, false],
    ['a two hundredth of a large one', { points: 200_000, unindexed: 1_001 }, true],
    ['many segments', { vectorSegments: 4 }, true],
    ['many files', { fragments: 33 }, true],
    ['many versions', { versions: 101 }, true],
    ['many versions of a large one', { points: 200_000, versions: 900 }, false],
  ] as const)('%s', (_, change, due) => {
    expect(isDue({ ...fresh, ...change })).toBe(due)
  })

  test('what the last merge could not join or free is left until there is more', () => {
    const settled = { fragments: 40, versions: 300 }
    expect(isDue({ ...fresh, fragments: 60, versions: 350 }, settled)).toBe(false)
    expect(isDue({ ...fresh, fragments: 80, versions: 450 }, settled)).toBe(true)
    expect(isDue({ ...fresh, fragments: 60, versions: 600 }, settled)).toBe(true)
  })
})
