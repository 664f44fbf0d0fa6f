import type { Logger } from 'pino'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { VectorStore } from '../index/index.ts'

const seconds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** Metrics and log lines of what a store does in the background, where it tells. */
export function observeMaintenance(
  store: VectorStore,
  { registry, log }: { readonly registry: Registry; readonly log: Logger | undefined },
): void {
  if (!store.onMaintenance) return
  const registers = [registry]
  const runs = new Histogram({
    name: 'qontrast_maintenance_seconds',
    help: 'How long the merges of a collection took that were made in the background or asked for.',
    labelNames: ['collection'],
    buckets: seconds,
    registers,
  })
  const failures = new Counter({
    name: 'qontrast_maintenance_failures_total',
    help: 'Merges that failed; the next one does their work too.',
    labelNames: ['collection'],
    registers,
  })
  const parts = new Gauge({
    name: 'qontrast_collection_parts',
    help: 'Of what a collection is made, when it was last looked at: points, fragments, vectorSegments, points that are unindexed, versions.',
    labelNames: ['collection', 'part'],
    registers,
  })
  store.onMaintenance(({ collection, kind, seconds, parts: found, error }) => {
    for (const [part, count] of Object.entries(found ?? {})) parts.set({ collection, part }, count)
    if (error !== undefined) {
      failures.inc({ collection })
      log?.warn({ collection, seconds, err: error }, 'maintenance failed')
    } else if (kind === 'merge') {
      runs.observe({ collection }, seconds)
      log?.info({ collection, seconds, ...found }, 'maintenance')
    }
  })
}
