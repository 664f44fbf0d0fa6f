import { execFile } from 'node:child_process'
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { createKey } from '../src/api/index.ts'
import { defaultSettings, environment } from '../src/cli/serve-settings.ts'
import { explainUnreadable } from '../src/cli/unreadable.ts'
import { dashboard } from '../tools/grafana-dashboard.ts'
import { bearer, openApp } from './support/api.ts'
import { temporaryFolder } from './support/temporary.ts'

const folder = fileURLToPath(new URL('../deploy/', import.meta.url))
const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
const texts = Object.fromEntries(
  await Promise.all(files.map(async (file) => [file, await readFile(path.join(folder, file), 'utf8')] as const)),
)
const textOf = (file: string): string => {
  const text = texts[file]
  if (text === undefined) throw new Error(`deploy/${file} is gone.`)
  return text
}

test('each metric that the alerts and the dashboard ask for is one that /metrics has', async () => {
  const { key, entry } = createKey({ name: 'prometheus', scopes: ['metrics'] })
  const { call } = await openApp({ keys: [entry] })
  const { text } = await call('GET', '/metrics', undefined, bearer(key))
  const served = new Set(text.match(/^# TYPE \S+/gm)?.map((line) => line.slice('# TYPE '.length)))
  for (const file of ['monitoring/alerts.yaml', 'monitoring/dashboard.json']) {
    const asked = textOf(file).match(/\b(?:qontrast|nodejs|process)_[a-z0-9_]+(?=[{[])/g) ?? []
    expect(asked.length, file).toBeGreaterThan(5)
    for (const name of new Set(asked)) {
      expect(served.has(name) || served.has(name.replace(/_(bucket|sum|count)$/, '')), `${file} asks for ${name}`).toBe(
        true,
      )
    }
  }
})

test('the dashboard is what its table makes', () => {
  expect(JSON.parse(textOf('monitoring/dashboard.json'))).toEqual(dashboard())
})

test('each setting that a file gives is one that the server has', () => {
  const given = Object.entries(texts).flatMap(([file, text]) =>
    (text.match(/\bQONTRAST_[A-Z_]+/g) ?? []).map((name) => ({ file, name })),
  )
  expect(given.length).toBeGreaterThan(8)
  for (const { file, name } of given) expect(environment, `deploy/${file}`).toHaveProperty(name)
})

test('whoever stops the server waits longer than it takes its grace', () => {
  const grace = defaultSettings.graceSeconds
  const waits = {
    'compose.yaml': /stop_grace_period: (\d+)s/,
    'qontrast.service': /TimeoutStopSec=(\d+)/,
    Dockerfile: /--stop-timeout (\d+)/,
  }
  for (const [file, pattern] of Object.entries(waits)) {
    expect(Number(textOf(file).match(pattern)?.[1]), file).toBeGreaterThanOrEqual(grace + 15)
  }
  const [pod] = parseAllDocuments(textOf('kubernetes/qontrast.yaml'))
    .map((document) => document.toJS())
    .filter(({ kind }) => kind === 'StatefulSet')
    .map(({ spec }) => spec.template.spec)
  const seconds = (name: string) =>
    Number(pod.containers[0].env.find((variable: { name: string }) => variable.name === name)?.value)
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(seconds('QONTRAST_GRACE_SECONDS') + 15)
})

test('with a root that cannot be written, everything that is written goes into the volume', () => {
  const image = textOf('Dockerfile')
  for (const name of ['QONTRAST_PATH', 'HF_HOME']) expect(image).toMatch(new RegExp(`${name}=/data/`))
  expect(image).toMatch(/^USER node$/m)
  expect(textOf('compose.yaml')).toMatch(/- data:\/data$/m)
  expect(textOf('kubernetes/qontrast.yaml')).toMatch(/name: data, mountPath: \/data/)
})

test('systemd takes the unit, and finds it hardly exposed', async ({ skip }) => {
  const analyze = (...args: string[]) => promisify(execFile)('systemd-analyze', args, { cwd: folder })
  const there = await analyze('--version').then(
    () => true,
    () => false,
  )
  if (!there) return skip('systemd-analyze is not on this machine')
  expect(await analyze('verify', '--man=no', './qontrast.service')).toMatchObject({ stderr: '' })
  const { stdout } = await analyze('security', '--offline=yes', './qontrast.service')
  expect(Number(stdout.match(/Overall exposure level for \S+ (\d+\.\d+)/)?.[1])).toBeLessThan(2)
})

test('a keys file that the process may not read is explained by whose it is', async () => {
  const file = path.join(await temporaryFolder(), 'keys.json')
  await writeFile(file, '{}')
  await chmod(file, 0o600)
  const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
  expect(explainUnreadable(file, refused)).toMatch(
    /This process is user \d+ of group \d+; the file is of user \d+, group \d+, mode 600: chown/,
  )
  expect(explainUnreadable(file, new Error('other'))).toBe('')
})
