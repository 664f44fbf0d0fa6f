import { pino } from 'pino'
import { serve } from '../api/index.ts'
import { type Encoder, loadEncoder } from '../embed/index.ts'
import { deviceOf, openStore } from './options.ts'
import { readKeys } from './read-settings.ts'
import type { ServeSettings } from './serve-settings.ts'

/** Opens what the settings name, serves it until a signal comes, and closes it again. */
export async function serveUntilStopped(settings: ServeSettings): Promise<void> {
  const { port, host, limits, hosts, graceSeconds } = settings
  const log = pino({ level: settings.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime })
  const keys = settings.keys === undefined ? undefined : await readKeys(settings.keys)
  const stopped = untilSignal()
  await using store = openStore(settings)
  await using models = await openModels(settings, (message) => log.warn(message))
  await using server = await serve({
    port,
    host,
    graceSeconds,
    limits,
    log,
    indexes: { store, encoders: models.encoders },
    ...(keys ? { keys } : {}),
    ...(hosts ? { hosts } : {}),
  })
  log.info(
    { url: server.url, store: store.name, models: Object.keys(models.encoders), keys: keys?.length ?? 0 },
    'serving',
  )
  const signal = await stopped
  log.info({ signal }, 'stopping')
  await server.close()
  log.info('stopped')
}

async function openModels({ models, device }: ServeSettings, onWarning: (message: string) => void) {
  const encoders: Record<string, Encoder> = {}
  const close = async () => {
    await Promise.all(Object.values(encoders).map((encoder) => encoder.close()))
  }
  try {
    for (const [name, location] of Object.entries(models)) {
      encoders[name] = await loadEncoder(location, { device: deviceOf(device), onWarning })
    }
  } catch (error) {
    await close()
    throw error
  }
  return { encoders, [Symbol.asyncDispose]: close }
}

/** The first SIGTERM or Ctrl-C; the second ends the process at once. */
function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
}
