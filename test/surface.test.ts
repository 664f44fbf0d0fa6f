import type { Command } from 'commander'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hitSchema, searchSchema } from '../src/api/search/routes.ts'
import { embedCommand } from '../src/cli/embed.ts'
import { evaluateCommand } from '../src/cli/evaluate.ts'
import { indexCommand } from '../src/cli/index-documents.ts'
import { likeCommand } from '../src/cli/like.ts'
import { createProgram } from '../src/cli/program.ts'
import { reindexCommand } from '../src/cli/reindex.ts'
import { searchCommand } from '../src/cli/search.ts'
import { serveCommand } from '../src/cli/serve.ts'
import { defaultSettings } from '../src/cli/serve-settings.ts'
import { storeAt } from '../src/cli/store-address.ts'
import { searchKeys } from '../src/index/index.ts'
import {
  type Encoder,
  type ForeignOptions,
  finetune,
  type Hit,
  type LoadEncoderOptions,
  loadEncoder,
  openIndex,
} from '../src/main.ts'
import { defaultDevice, devices } from '../src/runtime/index.ts'
import type { OptionKeys } from '../src/shared/index.ts'
import { temporaryFolder } from './support/temporary.ts'

const flagsOf = (command: Command) => command.options.map((option) => option.attributeName()).sort()
const sorted = (keys: Iterable<string>) => [...keys].sort()

/** What one way in has and another has not, and why. */
const exceptions = {
  http: { signal: 'a request that is given up aborts its search' },
  commandLine: { signal: 'Ctrl-C ends the process' },
  httpOnly: { queries: 'an argument of the call elsewhere' },
  commandLineOnly: {
    path: 'where the index is',
    store: 'where the index is',
    index: 'which one it is',
    json: 'how hits are printed',
    unlike: 'an argument of the call elsewhere',
  },
} as const

const model = { dtype: true, dimensions: true, workers: true, device: true } as const
/** Options of loadEncoder that are no flags. */
const withoutFlag: OptionKeys<Omit<LoadEncoderOptions, keyof typeof model>> = {
  output: true, // a model's files say which is its own
  pictures: true, // likewise
  cacheDir: true, // HF_HUB_CACHE
  localOnly: true, // HF_HUB_OFFLINE is Python's; a folder needs no hub
  revision: true, // a folder is fixed
  onProgress: true, // no value for a flag
  onWarning: true, // printed
}

let encoder: Encoder
beforeAll(async () => {
  encoder = await loadEncoder()
})
afterAll(() => encoder.close())

const library = Object.keys(searchKeys)

test('a search over HTTP has the options of the library', () => {
  const known = library.filter((key) => !(key in exceptions.http))
  expect(sorted(Object.keys(searchSchema.shape))).toEqual(sorted([...known, ...Object.keys(exceptions.httpOnly)]))
})

test.each([
  ['search', () => searchCommand(), ['model', ...Object.keys(model)]],
  ['like', () => likeCommand(), []],
])('the flags of qontrast %s are the options of the library', (_, make, more) => {
  const own = new Set<string>([...Object.keys(exceptions.commandLineOnly), ...more])
  const known = library.filter((key) => !(key in exceptions.commandLine))
  expect(flagsOf(make()).filter((flag) => !own.has(flag))).toEqual(sorted(known))
})

test('a hit over HTTP is a hit of the library', async () => {
  await using index = await openIndex({ name: 'docs', encoder, path: await temporaryFolder() })
  await index.add([{ id: 'a', text: 'Asthma.' }])
  const [hit] = await index.search('asthma')
  expect(sorted(Object.keys(hitSchema.shape))).toEqual(sorted(Object.keys(hit ?? {})))
  expect(hitSchema.safeParse(JSON.parse(JSON.stringify(hit satisfies Hit | undefined))).success).toBe(true)
})

test('where things are in collections of others is said in an address as in the library', async () => {
  const settings: OptionKeys<Omit<ForeignOptions, 'write'>> = { vector: true, text: true, payload: true } // writing needs the library
  for (const name of Object.keys(settings)) await storeAt(`qdrant://localhost:6333?${name}=x`).close()
  expect(() => storeAt('qdrant://localhost:6333?other=x')).toThrow(
    expect.objectContaining({
      code: 'invalid-option',
      message: expect.stringMatching(/no setting "other".*text, vector, payload/),
    }),
  )
})

test.each([
  ['embed', () => embedCommand()],
  ['evaluate', () => evaluateCommand()],
  ['index', () => indexCommand(() => {})],
  ['search', () => searchCommand()],
  ['reindex', () => reindexCommand()],
  ['serve', () => serveCommand()],
])('qontrast %s opens models as loadEncoder does', (_, make) => {
  const flags = flagsOf(make())
  for (const flag of ['model', ...Object.keys(model)]) expect(flags).toContain(flag)
  for (const option of Object.keys(withoutFlag)) expect(flags).not.toContain(option)
})

test('every way to a device has the same devices and the same default', () => {
  const ways = createProgram(() => {}).commands.flatMap((command) =>
    command.options.filter(({ long }) => long === '--device'),
  )
  expect(ways.length).toBeGreaterThanOrEqual(7)
  for (const { argChoices, defaultValue = defaultSettings.device } of ways) {
    expect(argChoices).toEqual(devices)
    expect(defaultValue).toBe(defaultDevice)
  }
})

test.each([
  // @ts-expect-error: a caller without types
  ['encoding', () => loadEncoder('default', { device: 'gpu' })],
  // @ts-expect-error: a caller without types
  ['training', () => finetune({ model: './model', pairs: [], out: './out', device: 'gpu' }).next()],
])('%s on a device that is none is refused with the list of those that are', async (_, call) => {
  await expect(call()).rejects.toMatchObject({
    code: 'invalid-option',
    message: `device must be one of ${devices.join(', ')}; got 'gpu'.`,
  })
})
