import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import { type ApiKey, createKey } from '../../src/api/index.ts'
import { bearer, json } from '../support/api.ts'
import { childrenOf } from '../support/children.ts'
import { logged, program, startServer } from '../support/serve-process.ts'
import { temporaryFolder } from '../support/temporary.ts'

const taken = 'keys read again'
const notTaken = 'keys not read again: those before stay'
const contentOf = (...keys: readonly { readonly entry: ApiKey }[]) =>
  JSON.stringify({ keys: keys.map(({ entry }) => entry) })

test('keys are rotated while requests and a stream go on: by a file in place, a link, another file, a signal', async () => {
  const scopes: ApiKey['scopes'] = ['read', 'write', 'admin']
  const [old, fresh, other] = ['old', 'fresh', 'other'].map((name) => createKey({ name, scopes }))
  if (!old || !fresh || !other) throw new Error('three keys')
  const folder = await temporaryFolder()
  const file = path.join(folder, 'keys.json')
  // as Kubernetes mounts a secret: a link to a file behind another link, which is what changes
  for (const [version, content] of [
    ['v1', contentOf(old)],
    ['v2', contentOf(old, fresh)],
  ] as const) {
    await mkdir(path.join(folder, version))
    await writeFile(path.join(folder, version, 'keys.json'), content)
  }
  await symlink('v1', path.join(folder, '..data'))
  await symlink(path.join('..data', 'keys.json'), file)

  const { child, lines, exit, url } = await startServer('--keys', file)
  const at = await url()
  const statusOf = async ({ key }: { key: string }) => (await fetch(`${at}/v1/models`, { headers: bearer(key) })).status
  await fetch(`${at}/v1/indexes`, { method: 'POST', headers: { ...json, ...bearer(old.key) }, body: '{"name":"docs"}' })
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const sent = writable.getWriter()
  const put = (id: string) => sent.write(new TextEncoder().encode(`{"id":"${id}","text":"Asthma."}\n`))
  const streaming = fetch(`${at}/v1/indexes/docs/documents`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...bearer(old.key) },
    body: readable,
    duplex: 'half',
  })
  void put('before')
  const answers = (await streaming).body?.pipeThrough(new TextDecoderStream()).getReader()
  const nextAnswer = async () => (await answers?.read())?.value
  expect(await nextAnswer()).toContain('"stored"')

  // requests without a pause, over all that follows
  const statuses = new Set<number>()
  let rotating = true
  const busy = (async () => {
    while (rotating) statuses.add(await statusOf(old))
  })()

  await symlink('v2', path.join(folder, '..data_tmp'))
  await rename(path.join(folder, '..data_tmp'), path.join(folder, '..data'))
  await logged(lines, taken)
  expect([await statusOf(old), await statusOf(fresh)]).toEqual([200, 200])

  await writeFile(file, '{"keys": [{"name"')
  await logged(lines, notTaken)
  expect([await statusOf(old), await statusOf(fresh)]).toEqual([200, 200])
  void put('after')
  expect(await nextAnswer()).toContain('"id":"after","status":"stored"')
  rotating = false
  await busy
  expect(statuses).toEqual(new Set([200]))

  await writeFile(`${file}.new`, contentOf(fresh, other))
  await rename(`${file}.new`, file)
  await logged(lines, taken, 2)
  expect([await statusOf(old), await statusOf(fresh), await statusOf(other)]).toEqual([401, 200, 200])
  void put('too late').catch(() => {})
  expect(await nextAnswer()).toContain('"code":"unauthorized"')
  expect((await answers?.read())?.done).toBe(true)

  child.kill('SIGHUP')
  await logged(lines, taken, 3)
  const metrics = await (await fetch(`${at}/metrics`, { headers: bearer(fresh.key) })).text()
  expect(metrics).toMatch(/^qontrast_key_reloads_total\{result="done"\} 3$/m)
  expect(metrics).toMatch(/^qontrast_key_reloads_total\{result="failed"\} 1$/m)
  expect(JSON.stringify(lines)).not.toContain(fresh.key)
  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
}, 60_000)

/** A terminal is needed for it: `script` (util-linux) makes one. */
const withTerminal = process.platform === 'linux' && (await hasScript())

async function hasScript(): Promise<boolean> {
  const child = spawn('script', ['--version'], { stdio: 'ignore' })
  const found = await once(child, 'exit').then(
    () => true,
    () => false,
  )
  if (!found) console.log('skipped: closing a terminal: there is no script (util-linux)')
  return found
}

test.runIf(withTerminal)(
  'the end of its terminal stops a server, though a signal has its keys read again',
  async () => {
    const folder = await temporaryFolder()
    const keys = path.join(folder, 'keys.json')
    await writeFile(keys, contentOf(createKey({ name: 'one', scopes: ['read'] })))
    const says = (log: string, text: string) =>
      vi.waitFor(async () => expect(await readFile(log, 'utf8')).toContain(`"msg":"${text}"`), 30_000)
    for (const [name, flags] of [
      ['with', `--keys ${keys}`],
      ['without', ''],
    ] as const) {
      const log = path.join(folder, `${name}.log`)
      const serving = `exec ${process.execPath} ${program} serve --port 0 --path ${path.join(folder, name)} ${flags} > ${log}`
      const terminal = spawn('script', ['-qec', serving, '/dev/null'], { stdio: ['pipe', 'ignore', 'ignore'] })
      await says(log, 'serving')
      const [server = 0] = await childrenOf(terminal.pid ?? 0)
      if (flags) process.kill(server, 'SIGHUP')
      if (flags) await says(log, taken)
      terminal.kill('SIGKILL') // and its side of the terminal with it
      await says(log, 'stopped')
    }
  },
  120_000,
)
