import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { type ApiKey, defaultLimits, keysFileSchema, type Limits } from '../api/index.ts'
import { dtypes } from '../embed/index.ts'
import { devices } from '../runtime/index.ts'
import { messageOf, parseJson, QontrastError } from '../shared/index.ts'
import { defaultSettings, environment, type ServeSettings } from './serve-settings.ts'
import { explainUnreadable } from './unreadable.ts'

const limitsSchema = z.partialRecord(z.enum(limitNames()), z.number().nonnegative())
const settingsSchema = z.strictObject({
  port: z.coerce.number().int().min(0).max(65_535).exactOptional(),
  host: z.string().min(1).exactOptional(),
  path: z.string().min(1).exactOptional(),
  store: z.string().min(1).exactOptional(),
  models: z.record(z.string().min(1), z.string().min(1)).exactOptional(),
  device: z.enum(devices).exactOptional(),
  dtype: z.enum(dtypes).exactOptional(),
  dimensions: z.coerce.number().int().positive().exactOptional(),
  workers: z.coerce.number().int().positive().exactOptional(),
  keys: z.string().min(1).exactOptional(),
  hosts: z.array(z.string().min(1)).exactOptional(),
  limits: limitsSchema.exactOptional(),
  lameDuckSeconds: z.coerce.number().nonnegative().exactOptional(),
  graceSeconds: z.coerce.number().nonnegative().exactOptional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).exactOptional(),
})
type GivenSettings = z.infer<typeof settingsSchema>

const configFiles = ['qontrast.config.ts', 'qontrast.config.js', 'qontrast.config.json']

/** Flags over environment variables over the file over the defaults; `invalid-option` says which of them is wrong. */
export async function readSettings(
  flags: Readonly<Record<string, unknown>>,
  { config, env = process.env }: { config?: string | undefined; env?: NodeJS.ProcessEnv },
): Promise<ServeSettings> {
  const file = config ?? configFiles.find((name) => existsSync(name))
  const fromFile =
    file === undefined ? {} : check(file, await readFrom(file, path.extname(file) === '.json' ? readJson : runModule))
  const fromEnvironment = check('the environment', readEnvironment(env))
  return { ...defaultSettings, ...fromFile, ...fromEnvironment, ...check('the flags', flags) }
}

/** The entries of a keys file. */
export async function readKeys(file: string): Promise<readonly ApiKey[]> {
  const { data, error } = keysFileSchema.safeParse(await readFrom(file, readJson))
  if (error) throw new QontrastError('invalid-option', `${file}: ${z.prettifyError(error)}`)
  return data.keys
}

function readEnvironment(env: NodeJS.ProcessEnv): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([variable, { setting, read = (text: string): unknown => text }]) => {
      const text = env[variable]
      if (text === undefined || text === '') return []
      try {
        return [[setting, read(text)]]
      } catch (cause) {
        throw new QontrastError('invalid-option', `${variable}: ${messageOf(cause)}`, { cause })
      }
    }),
  )
}

const readJson = async (file: string): Promise<unknown> => parseJson(await readFile(file, 'utf8'))
const runModule = async (file: string): Promise<unknown> =>
  (await import(pathToFileURL(path.resolve(file)).href)).default

async function readFrom(file: string, read: (file: string) => Promise<unknown>): Promise<unknown> {
  try {
    return await read(file)
  } catch (cause) {
    throw new QontrastError(
      'invalid-option',
      `${file} cannot be read: ${messageOf(cause)}${explainUnreadable(file, cause)}`,
      { cause },
    )
  }
}

function check(where: string, given: unknown): GivenSettings {
  const { data, error } = settingsSchema.safeParse(given)
  if (error) throw new QontrastError('invalid-option', `${where}: ${z.prettifyError(error)}`)
  return data
}

function limitNames(): (keyof Limits)[] {
  return Object.keys(defaultLimits).filter((name): name is keyof Limits => name in defaultLimits)
}
