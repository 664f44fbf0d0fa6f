import path from 'node:path'
import type { Limits } from '../api/index.ts'
import { bundledEncoder, type Dtype } from '../embed/index.ts'
import { type Device, defaultDevice } from '../runtime/index.ts'
import { defaultPath } from './options.ts'

/** What can be set for `qontrast serve`. */
export interface ServeSettings {
  readonly port: number
  readonly host: string
  readonly path: string
  /** A server's address instead of a folder. */
  readonly store?: string
  /** Public names of the models, and where they are. */
  readonly models: Readonly<Record<string, string>>
  readonly device: Device
  /** Of all models: weights file, first dimensions kept, inference processes of each. */
  readonly dtype?: Dtype
  readonly dimensions?: number
  readonly workers?: number
  /** A file of keys. */
  readonly keys: string | undefined
  readonly hosts: readonly string[] | undefined
  readonly limits: Partial<Limits>
  readonly lameDuckSeconds: number
  readonly graceSeconds: number
  readonly logLevel: string
}

export const defaultSettings: ServeSettings = {
  port: 8080,
  host: '127.0.0.1',
  path: defaultPath,
  models: { [bundledEncoder]: bundledEncoder },
  device: defaultDevice,
  keys: undefined,
  hosts: undefined,
  limits: {},
  lameDuckSeconds: 0,
  graceSeconds: 20,
  logLevel: 'info',
}

/** Environment variables and the settings they are. */
export const environment: Readonly<Record<string, { setting: keyof ServeSettings; read?: (text: string) => unknown }>> =
  {
    QONTRAST_PORT: { setting: 'port' },
    QONTRAST_HOST: { setting: 'host' },
    QONTRAST_PATH: { setting: 'path' },
    QONTRAST_STORE: { setting: 'store' },
    QONTRAST_MODELS: { setting: 'models', read: (text) => modelsOf(listOf(text)) },
    QONTRAST_DEVICE: { setting: 'device' },
    QONTRAST_DTYPE: { setting: 'dtype' },
    QONTRAST_DIMENSIONS: { setting: 'dimensions' },
    QONTRAST_WORKERS: { setting: 'workers' },
    QONTRAST_KEYS: { setting: 'keys' },
    QONTRAST_HOSTS: { setting: 'hosts', read: listOf },
    QONTRAST_LIMITS: { setting: 'limits', read: (text) => JSON.parse(text) },
    QONTRAST_LAME_DUCK_SECONDS: { setting: 'lameDuckSeconds' },
    QONTRAST_GRACE_SECONDS: { setting: 'graceSeconds' },
    QONTRAST_LOG_LEVEL: { setting: 'logLevel' },
  }

/** Models from `name=location` or a location alone, which is then named by its last part. */
export function modelsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      return at > 0 ? [text.slice(0, at), text.slice(at + 1)] : [path.basename(text), text]
    }),
  )
}

function listOf(text: string): string[] {
  return text.split(',').map((part) => part.trim())
}
