import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type AddReport,
  type Encoder,
  loadEncoder,
  openIndex,
  reindex,
  rollbackIndex,
  type SearchIndex,
  type VectorStore,
} from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { findTorn, raceDocuments, raceIds } from '../support/race-documents.ts'
import { type Models, writeModels } from '../support/static-models.ts'
import { temporaryFolder } from '../support/temporary.ts'

export interface RaceSubject {
  /** As the command line names it. */
  readonly location: string
  /** A handle of its own on the same data. */
  open(): VectorStore
  dispose(): Promise<void>
}

const worker = fileURLToPath(new URL('../support/version-worker.ts', import.meta.url))
const seeds = Array.from({ length: Number(process.env['QONTRAST_RACES'] ?? 2) }, (_, i) => i)

/** Whatever is done at once to the same documents, each of them is whole afterwards, of one version. */
export function describeRaces(name: string, make: () => Promise<RaceSubject>): void {
  describe(`${name}: at once`, { timeout: 120_000 }, () => {
    let models: Models
    let left: Encoder
    let right: Encoder
    let subject: RaceSubject
    let stores: VectorStore[]
    let handles: SearchIndex[]
    beforeAll(async () => {
      models = await writeModels(await temporaryFolder())
      left = await loadEncoder(models.left)
      right = await loadEncoder(models.right)
    })
    afterAll(() => Promise.all([left.close(), right.close()]))
    beforeEach(async () => {
      subject = await make()
      stores = [subject.open(), subject.open()]
      handles = await Promise.all(stores.map((store) => openIndex({ name: 'docs', encoder: left, store })))
      await handles[0]?.add(raceDocuments(0))
    })
    afterEach(async () => {
      await Promise.all(handles.map((handle) => handle.close()))
      await Promise.all(stores.map((store) => store.close()))
      await subject.dispose()
    })

    const first = () => handles[0] ?? expect.fail()
    const handle = (i: number) => handles[i % handles.length] ?? expect.fail()
    const store = () => stores[0] ?? expect.fail()

    async function expectWhole(): Promise<void> {
      const aliases = await store().aliases()
      const current = aliases.get('docs') ?? expect.fail()
      const building = aliases.get('docs.next')
      expect(await findTorn(first(), store(), building ? [current, building] : [current])).toEqual([])
      const documents = await first().get(raceIds)
      expect(await first().count()).toBe(documents.filter((document) => document !== undefined).length)
    }

    function run(seed: number, job = 'add', rounds = 4): Promise<AddReport[]> {
      return new Promise((resolve, reject) => {
        const args = [worker, subject.location, models.left, seed, rounds, job].map(String)
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
        let output = ''
        child.stdout.on('data', (data) => {
          output += data
        })
        child.on('error', reject)
        child.on('close', (code) => {
          if (code !== 0) reject(new Error(`the worker ended with ${code}`))
          else
            resolve(
              output
                .trim()
                .split('\n')
                .map((line) => JSON.parse(line)),
            )
        })
      })
    }

    test.each(seeds)('adds of other versions on one handle and on two (seed %i)', async (seed) => {
      for (let round = 0; round < 3; round++) {
        const versions = [1, 2, 3, 4].map((i) => seed * 100 + round * 10 + i)
        const reports = await Promise.all(versions.map((version, i) => handle(i * seed).add(raceDocuments(version))))
        await expectWhole()
        for (const { added, updated } of reports) expect([added, updated]).toEqual([0, raceIds.length])
        const documents = await first().get(raceIds)
        for (const document of documents) expect(versions).toContain(document?.payload?.['version'])
      }
    })

    test.each(seeds)('adds and deletes, by id and by filter (seed %i)', async (seed) => {
      const random = createRandom(seed + 5)
      for (let round = 0; round < 4; round++) {
        await Promise.all([
          first().add(raceDocuments(seed * 100 + round + 1)),
          handle(1).add(raceDocuments(seed * 100 + round + 51)),
          handle(1).delete(raceIds.slice(0, 1 + Math.floor(random() * raceIds.length))),
          first().delete({ filter: { half: random() < 0.5 } }),
          handle(1).delete({ filter: { length: { gte: Math.floor(random() * 60) } } }),
        ])
        await expectWhole()
      }
    })

    test.each(seeds)('adds and deletes while a re-index runs, and while it is rolled back (seed %i)', async (seed) => {
      const write = async (from: number, i: number) => {
        for (let version = from; version < from + 4; version++) {
          await handle(i).add(raceDocuments(version))
          if (version % 2 === i) await handle(i).delete(raceIds.slice(i * 3, i * 3 + 3))
        }
      }
      const from = seed * 100
      const moving = reindex({ store: subject.open(), index: 'docs', encoder: right })
      await Promise.all([moving, write(from + 1, 0), write(from + 51, 1)])
      await expectWhole()
      const loading = (model: string) => loadEncoder(model)
      const back = rollbackIndex({ store: subject.open(), index: 'docs', loadEncoder: loading })
      await Promise.all([back, write(from + 21, 0), write(from + 71, 1)])
      await expectWhole()
    })

    test('writers of two generations leave the same version in both', async () => {
      const stopped = reindex({ store: store(), index: 'docs', encoder: right, signal: AbortSignal.abort() })
      await expect(stopped).rejects.toMatchObject({ code: 'aborted' })
      for (const seed of seeds) {
        const versions = [1, 2, 3].map((i) => seed * 100 + i)
        await Promise.all([
          ...versions.map((version, i) => handle(i).add(raceDocuments(version))),
          handle(1).delete(raceIds.slice(0, 4)),
        ])
        await expectWhole()
      }
    })

    test('five adds of the same new documents tell what they did, on one handle, on two, and in processes', async () => {
      const sumOf = (reports: readonly AddReport[], key: 'added' | 'updated' | 'unchanged') =>
        reports.reduce((sum, report) => sum + report[key], 0)
      const expectOnce = (reports: readonly AddReport[]) => {
        expect(sumOf(reports, 'added')).toBe(raceIds.length)
        expect(sumOf(reports, 'updated')).toBe(0)
        expect(sumOf(reports, 'unchanged')).toBe(raceIds.length * (reports.length - 1))
      }
      for (const width of [1, 2]) {
        await first().delete(raceIds)
        expectOnce(await Promise.all([0, 1, 2, 3, 4].map((i) => handle(i % width).add(raceDocuments(7)))))
      }
      await first().delete(raceIds)
      expectOnce((await Promise.all([0, 1, 2].map((seed) => run(seed, 'same', 1)))).flat())
      await expectWhole()
    })

    test.each(['add', 'delete'])('several processes: %s', async (job) => {
      await Promise.all([run(1, job), run(2, job), run(3, 'add')])
      await expectWhole()
      if (job === 'add') expect(await first().count()).toBe(raceIds.length)
    })
  })
}
