/**
 * Writes deploy/monitoring/dashboard.json, which Grafana imports, from the table below.
 *
 *     npm run dashboard
 */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'

interface Panel {
  readonly title: string
  readonly description: string
  readonly unit: string
  /** Queries in PromQL by the legend of their lines. */
  readonly lines: Readonly<Record<string, string>>
}

const job = 'job="$job", instance=~"$instance"'
const rate = (metric: string, more = '') => `rate(${metric}{${job}${more}}[$__rate_interval])`
const quantile = (share: number, histogram: string, by: string, more = '') =>
  `histogram_quantile(${share}, sum by (le, ${by}) (${rate(`${histogram}_bucket`, more)}))`

const panels: readonly Panel[] = [
  {
    title: 'Requests',
    description: 'By route.',
    unit: 'reqps',
    lines: { '{{route}}': `sum by (route) (${rate('qontrast_requests_total')})` },
  },
  {
    title: 'Refused and failed',
    description: 'Answers of 429 and from 500 on, by status.',
    unit: 'reqps',
    lines: { '{{status}}': `sum by (status) (${rate('qontrast_requests_total', ', status=~"429|5.."')})` },
  },
  {
    title: 'Search: time to answer',
    description: 'Half, 95 and 99 of a hundred are quicker.',
    unit: 's',
    lines: Object.fromEntries(
      [0.5, 0.95, 0.99].map((share) => [
        `p${share * 100}`,
        quantile(share, 'qontrast_request_seconds', 'job', ', route=~".*/search"'),
      ]),
    ),
  },
  {
    title: 'Stages of a request: p95',
    description: 'Reading the body, embedding with its wait, the store.',
    unit: 's',
    lines: { '{{stage}}': quantile(0.95, 'qontrast_stage_seconds', 'stage') },
  },
  {
    title: 'Tokens that wait',
    description: 'In the queues of the models.',
    unit: 'short',
    lines: { '{{instance}} {{model}} {{work}}': `qontrast_queue_tokens{${job}}` },
  },
  {
    title: 'Parts of the indexes',
    description: 'What single writes leave, until upkeep merges it.',
    unit: 'short',
    lines: {
      '{{collection}} {{part}}': `max by (collection, part) (qontrast_collection_parts{${job}, part!="points"})`,
    },
  },
  {
    title: 'Documents',
    description: 'Of each index.',
    unit: 'short',
    lines: { '{{index}}': `max by (index) (qontrast_index_documents{${job}})` },
  },
  {
    title: 'Under way',
    description: 'Requests, and streams of documents and of events.',
    unit: 'short',
    lines: { requests: `sum(qontrast_requests_in_flight{${job}})`, streams: `sum(qontrast_open_streams{${job}})` },
  },
  {
    title: 'Workers replaced',
    description: 'Processes of models that died or were stuck, in an hour.',
    unit: 'short',
    lines: { '{{instance}} {{model}}': `increase(qontrast_worker_restarts_total{${job}}[1h])` },
  },
  {
    title: 'Texts a batch',
    description: 'How many a model reads at once, on average.',
    unit: 'short',
    lines: {
      texts: `sum(${rate('qontrast_batch_texts_sum')}) / sum(${rate('qontrast_batch_texts_count')})`,
    },
  },
  {
    title: 'Errors by code',
    description: 'The codes of docs/running.md.',
    unit: 'reqps',
    lines: { '{{code}}': `sum by (code) (${rate('qontrast_errors_total')})` },
  },
  {
    title: 'Event loop: p99 of its delay',
    description: 'Above 50 ms every answer waits.',
    unit: 's',
    lines: { '{{instance}}': `nodejs_eventloop_lag_p99_seconds{${job}}` },
  },
  {
    title: 'Memory',
    description: 'Resident, of the server without its models’ processes.',
    unit: 'bytes',
    lines: { '{{instance}}': `process_resident_memory_bytes{${job}}` },
  },
  {
    title: 'CPU',
    description: 'Cores that the server uses, without its models’ processes.',
    unit: 'short',
    lines: { '{{instance}}': rate('process_cpu_seconds_total') },
  },
]

const [width, height, columns] = [12, 8, 2]
const variable = (name: string, query: string, more: object) => ({
  name,
  type: 'query',
  datasource: { type: 'prometheus', uid: '$datasource' },
  query,
  refresh: 2,
  ...more,
})

/** What Grafana (10 and newer) imports. */
export function dashboard() {
  return {
    uid: 'qontrast',
    title: 'qontrast',
    schemaVersion: 39,
    tags: ['qontrast'],
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        variable('job', 'label_values(qontrast_requests_total, job)', {}),
        variable('instance', 'label_values(qontrast_requests_total{job="$job"}, instance)', {
          multi: true,
          includeAll: true,
        }),
      ],
    },
    panels: panels.map(({ title, description, unit, lines }, i) => ({
      id: i + 1,
      type: 'timeseries',
      title,
      description,
      datasource: { type: 'prometheus', uid: '$datasource' },
      gridPos: { x: (i % columns) * width, y: Math.floor(i / columns) * height, w: width, h: height },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: Object.entries(lines).map(([legendFormat, expr], line) => ({
        refId: String.fromCharCode('A'.charCodeAt(0) + line),
        expr,
        legendFormat,
      })),
    })),
  }
}

if (import.meta.main) {
  const file = path.join(import.meta.dirname, '../deploy/monitoring/dashboard.json')
  await writeFile(file, `${JSON.stringify(dashboard(), null, 2)}\n`)
}
