import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { packageVersion } from '../shared/index.ts'
import type { Keyring } from './access/keyring.ts'
import { type ModelQueue, workKinds } from './model-queue.ts'

const queueFigures = [
  {
    name: 'qontrast_queue_tokens',
    help: 'Cost of what is in the queue of a model, what it works on included: tokens of texts, patches of pictures.',
    of: 'cost',
  },
  { name: 'qontrast_queue_waiting', help: 'Pieces of calls that wait for a model.', of: 'waiting' },
] as const
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Of the timer that measures the event loop's delay, which counts it in. */
const loopTimerMilliseconds = 2

/** What is read when the metrics are. */
interface Watched {
  openStreams(): number
  requestsInFlight(): number
}

/** What `/metrics` shows: our own figures, and Node's (event-loop delay, memory, handles). */
export function createMetrics({ openStreams, requestsInFlight }: Watched) {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopTimerMilliseconds })
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  gauge(
    'qontrast_requests_in_flight',
    'Requests being worked on, streams and health checks left out.',
    requestsInFlight,
  )
  gauge('qontrast_open_streams', 'Streams of documents and of events that are open.', openStreams)
  new Gauge({
    name: 'qontrast_build_info',
    help: 'The version of this server and of its Node; always 1.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: versionIfKnown(), node: process.versions.node }, 1)
  return {
    registry,
    /** Shows what waits for each model. */
    watchQueues(queues: ReadonlyMap<string, ModelQueue>): void {
      for (const { name, help, of } of queueFigures)
        new Gauge({
          name,
          help,
          labelNames: ['model', 'work'],
          registers,
          collect() {
            for (const [model, queue] of queues)
              for (const work of workKinds) this.set({ model, work }, queue[work][of])
          },
        })
    },
    refusals: new Counter({
      name: 'qontrast_queue_refusals_total',
      help: 'Calls that were refused because their share of the queue of a model was full.',
      labelNames: ['model', 'work'],
      registers,
    }),
    requests: new Counter({
      name: 'qontrast_requests_total',
      help: 'Requests by route and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    errors: new Counter({
      name: 'qontrast_errors_total',
      help: 'Requests that failed, by the code of the error.',
      labelNames: ['code'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'qontrast_request_seconds',
      help: 'From the head of the request to the head of the response.',
      labelNames: ['route'],
      buckets: seconds,
      registers,
    }),
    stageSeconds: new Histogram({
      name: 'qontrast_stage_seconds',
      help: 'Time of a request in each stage: reading the body, embedding (waiting included), the store.',
      labelNames: ['stage'],
      buckets: seconds,
      registers,
    }),
    workerRestarts: new Counter({
      name: 'qontrast_worker_restarts_total',
      help: 'Inference processes that died, or were stuck and ended, by model; each was replaced.',
      labelNames: ['model'],
      registers,
    }),
    batchInputs: new Histogram({
      name: 'qontrast_batch_texts',
      help: 'Inputs (texts, pictures) that a model reads at once, from however many calls.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048],
      registers,
    }),
  } as const
}

/** How often the keys were replaced while the server ran, and how often that failed. */
export function countReloads(registry: Registry, { reloads }: Keyring): void {
  new Counter({
    name: 'qontrast_key_reloads_total',
    help: 'How often other keys were taken while the server ran (done), or could not be (failed).',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.reset()
      this.inc({ result: 'done' }, reloads.done)
      this.inc({ result: 'failed' }, reloads.failed)
    },
  })
}

/** A program that is bundled may be without the package's files. */
function versionIfKnown(): string {
  try {
    return packageVersion()
  } catch {
    return 'unknown'
  }
}

export type Metrics = ReturnType<typeof createMetrics>
