import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { MaintenanceRun } from '../../src/index/stores/store.ts'
import { lancedb } from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { upkeepPoint, upkeepSchema } from '../support/upkeep-points.ts'

const worker = fileURLToPath(new URL('../support/upkeep-worker.ts', import.meta.url))
const kills = Number(process.env['QONTRAST_KILLS'] ?? 2)

/** Runs the worker from a number on and kills it a moment after it stored so many more; resolves with the last that it stored. */
function runKilled(folder: string, from: number, more: number, moment: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [worker, folder, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let stored = from - 1
    let dying = false
    child.stdout.on('data', (chunk: Buffer) => {
      stored = Number(chunk.toString().trim().split('\n').at(-1))
      if (stored < from + more || dying) return
      dying = true
      setTimeout(() => child.kill('SIGKILL'), moment)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => (signal === 'SIGKILL' ? resolve(stored) : reject(new Error(`exit ${code}`))))
  })
}

test(`a process killed in the middle of merging (${kills} times) leaves all that it stored, and the next one heals the index`, {
  timeout: 60_000 + kills * 30_000,
}, async () => {
  const random = createRandom(3)
  const folder = await temporaryFolder()
  {
    await using store = lancedb({ path: folder, approximateFrom: 100 })
    await store.ensure('docs', upkeepSchema)
    await store.upsert(
      'docs',
      Array.from({ length: 300 }, (_, i) => upkeepPoint(i)),
    )
    await store.delete('docs', { documents: Array.from({ length: 100 }, (_, i) => `d${i * 3}`) })
  }
  let next = 300
  for (let i = 0; i < kills; i++) {
    const stored = await runKilled(folder, next, 10 + Math.floor(random() * 20), random() * 200)
    await using store = lancedb({ path: folder, approximateFrom: 100 })
    const ids = (await store.scroll('docs', { limit: 10_000 })).points.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const known = new Set(ids)
    for (let at = 0; at <= stored; at++) expect([at, known.has(`d${at}#0`)]).toEqual([at, at % 3 !== 0])
    const probe = upkeepPoint(stored % 3 === 0 ? stored - 1 : stored)
    const [dense] = await store.query('docs', { mode: 'dense', vector: probe.vector, limit: 1 })
    const [bm25] = await store.query('docs', { mode: 'bm25', terms: probe.terms.slice(0, 1), limit: 1 })
    expect([dense?.point.id, bm25?.point.id]).toEqual([probe.id, probe.id])
    next = stored + 1 // it may be there, or not
  }
  await using store = lancedb({ path: folder, approximateFrom: 100 })
  const healed = new Promise<MaintenanceRun>((resolve) => store.onMaintenance?.(resolve))
  await store.optimize('docs')
  const { parts } = await healed
  expect(parts?.unindexed).toBe(0)
  expect(parts?.vectorSegments).toBeLessThanOrEqual(9)
})
