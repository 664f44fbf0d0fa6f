/** Lets schemathesis (PyPI) loose on the server: no 5xx, no answer that the document does not declare. `SCHEMATHESIS` names its program. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createKey, serve } from '../src/api/index.ts'
import { lancedb, loadEncoder, openIndex } from '../src/main.ts'

const program = process.env['SCHEMATHESIS'] ?? 'schemathesis'
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'ignored_auth',
]
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

// An index that is there, and a deadline that can be kept: 504 is the right answer to 0.
const fixed = '[parameters]\n"path.index" = "answers"\n"header.x-request-timeout" = "30"\n'
await writeFile(path.join(folder, 'schemathesis.toml'), fixed)

const run = spawn(
  program,
  [
    'run',
    `${server.url}/openapi.json`,
    ...['--url', server.url],
    ...['--header', `Authorization: Bearer ${key}`],
    ...['--checks', checks.join(',')],
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
