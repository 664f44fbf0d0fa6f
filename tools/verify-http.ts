/** Lets schemathesis (PyPI) loose on the server: no 5xx, no answer that the document does not declare. `SCHEMATHESIS` names its program. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createKey, serve } from '../src/api/index.ts'
import { lancedb, loadEncoder, openIndex } from '../src/main.ts'

const program = process.env['SCHEMATHESIS'] ?? 'schemathesis'
const [examples = '30', seed = '1'] = process.argv.slice(2)

if (spawnSync(program, ['--version']).error) {
  console.log(`skipped: there is no ${program}; pip install schemathesis, or set SCHEMATHESIS`)
  process.exit(0)
}
const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-verify-'))
const { key, entry } = createKey({ name: 'verify', scopes: ['read', 'write', 'admin'] })
await using encoder = await loadEncoder()
await using store = lancedb({ path: folder })
await using index = await openIndex({ name: 'answers', encoder, store, fields: { year: 'number' } })
await index.add([{ id: 'asthma', text: 'Asthma is treated with inhalers.', payload: { year: 2001 } }])
await using server = await serve({ port: 0, keys: [entry], indexes: { store, encoders: { default: encoder } } })

// An index that is there, and a deadline that can be kept: 504 is the right answer to 0. What a filter may ask depends on the fields of the index,
// and how large integers may be on where they stand: 422. A body that is too long is refused before it is read: 413. A bad line of a stream is told in its result.
const settings = `
[parameters]
"path.index" = "answers"
"header.x-request-timeout" = "30"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429", "503"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "408", "409", "413", "415", "422", "429"]

[[operations]]
include-name = "POST /v1/indexes/{index}/documents"
[operations.checks.negative_data_rejection]
expected-statuses = ["200", "400", "401", "403", "404", "405", "408", "409", "413", "415", "422", "429"]
`
await writeFile(path.join(folder, 'schemathesis.toml'), settings)

const run = spawn(
  program,
  [
    'run',
    `${server.url}/openapi.json`,
    ...['--url', server.url],
    ...['--header', `Authorization: Bearer ${key}`],
    ...['--checks', 'all'],
    ...['--max-examples', examples],
    ...['--seed', seed],
    ...['--request-timeout', '60'],
    ...['--exclude-operation-id', 'deleteIndex'], // what all others need
    '--continue-on-failure',
  ],
  {
    cwd: folder,
    stdio: 'inherit',
    env: { ...process.env, SCHEMATHESIS_HOOKS: 'schemathesis_hooks', PYTHONPATH: import.meta.dirname },
  },
)
const [code] = await once(run, 'exit')
await rm(folder, { recursive: true, force: true })
process.exitCode = Number(code)
