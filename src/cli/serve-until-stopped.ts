import { type Logger, pino } from 'pino'
import { serve } from '../api/index.ts'
import { type Encoder, loadEncoder } from '../embed/index.ts'
import { onHangUp } from './hang-up.ts'
import { type KeysFile, openKeysFile } from './keys-file.ts'
import { encoderOptions } from './options.ts'
import { onParentGone } from './parent-gone.ts'
import type { ServeSettings } from './serve-settings.ts'
import { openStore } from './store-address.ts'

/** What closing takes after the grace time: a process that does not leave is ended after two of these seconds. */
const closingSeconds = 3

/** Opens what the settings name, serves it until a signal comes, and closes it again. What is not closed in time is left, such as maintenance, which the next process does again. */
export async function serveUntilStopped(settings: ServeSettings): Promise<void> {
  const log = createLog(settings.logLevel)
  let ending: NodeJS.Timeout | undefined
  await serveUntilAsked(settings, log, () => {
    const seconds = settings.lameDuckSeconds + settings.graceSeconds + closingSeconds
    ending = setTimeout(() => {
      log.warn({ seconds }, 'not everything could be closed in time')
      process.exit(0)
    }, seconds * 1_000)
  })
  clearTimeout(ending)
}

async function serveUntilAsked(settings: ServeSettings, log: Logger, onAsked: () => void): Promise<void> {
  const { port, host, limits, hosts, lameDuckSeconds, graceSeconds } = settings
  using keys = settings.keys === undefined ? undefined : await openKeysFile(settings.keys, log)
  const stopped = untilStopped(keys)
  await using store = openStore(settings)
  await using models = await openModels(settings, (message) => log.warn(message))
  await using server = await serve({
    port,
    host,
    lameDuckSeconds,
    graceSeconds,
    limits,
    log,
    indexes: { store, encoders: models.encoders },
    ...(keys ? { keys: keys.keyring } : {}),
    ...(hosts ? { hosts } : {}),
  })
  log.info(
    { url: server.url, store: store.name, models: Object.keys(models.encoders), keys: keys?.keyring.size ?? 0 },
    'serving',
  )
  const reason = await stopped
  onAsked()
  log.info({ reason }, 'stopping')
  await server.close()
  log.info('stopped')
}

/** A log on stdout that ends where nobody reads it any more: a write to a terminal that is gone would be tried again for ever. */
function createLog(level: string): Logger {
  const destination = pino.destination({ dest: 1, sync: true })
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  destination.on('error', () => {
    log.level = 'silent'
    destination.destroy()
  })
  return log
}

async function openModels({ models, ...settings }: ServeSettings, onWarning: (message: string) => void) {
  const encoders: Record<string, Encoder> = {}
  const close = async () => {
    await Promise.all(Object.values(encoders).map((encoder) => encoder.close()))
  }
  try {
    for (const [name, location] of Object.entries(models)) {
      encoders[name] = await loadEncoder(location, { ...encoderOptions(settings), onWarning })
    }
  } catch (error) {
    await close()
    throw error
  }
  return { encoders, [Symbol.asyncDispose]: close }
}

/** The first SIGTERM or Ctrl-C (the second ends the process at once), the end of the terminal that this was started on, or of the `npx` that started it. */
function untilStopped(keys: KeysFile | undefined): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
    onHangUp({ gone: () => resolve('SIGHUP'), asked: keys && (() => void keys.reload()) })
    onParentGone(() => resolve('the process that started this one is gone'))
  })
}
