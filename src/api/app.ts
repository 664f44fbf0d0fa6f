import { OpenAPIHono } from '@hono/zod-openapi'
import { compress } from 'hono/compress'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { secureHeaders } from 'hono/secure-headers'
import type { Logger } from 'pino'
import type { Encoder } from '../embed/index.ts'
import type { VectorStore } from '../index/index.ts'
import { checkOptionKeys, isQontrastError, type OptionKeys, QontrastError } from '../shared/index.ts'
import { createKeyring, type Keyring } from './access/keyring.ts'
import type { ApiKey } from './access/keys.ts'
import { answerProblem } from './answer-problem.ts'
import { createCatalog } from './catalog.ts'
import type { ApiEnv, Services } from './context.ts'
import { describeIssues } from './describe-issues.ts'
import { referenceHeaders, referenceRoutes } from './docs/reference.ts'
import { documentRoutes } from './documents/handlers.ts'
import { embeddingRoutes } from './embeddings/handlers.ts'
import { healthRoutes } from './health/handlers.ts'
import { indexRoutes } from './indexes/handlers.ts'
import { type Limits, resolveLimits } from './limits.ts'
import { countReloads, createMetrics } from './metrics.ts'
import { admission } from './middleware/admission.ts'
import { authenticate, requireScope } from './middleware/authenticate.ts'
import { deadline } from './middleware/deadline.ts'
import { hostCheck } from './middleware/host-check.ts'
import { jsonBody } from './middleware/json-body.ts'
import { observe } from './middleware/observe.ts'
import { observeIndexes } from './observe-indexes.ts'
import { observeMaintenance } from './observe-maintenance.ts'
import { describeApi } from './openapi.ts'
import { reindexRoutes } from './reindex/handlers.ts'
import { searchRoutes } from './search/handlers.ts'
import { serveEncoder } from './served-encoder.ts'
import { createStreams } from './streams.ts'
import { timeStore } from './timed-store.ts'

export interface AppOptions {
  /** The store whose indexes are served, and the models by the names that callers use; the first is the default. Both stay the caller's to close. */
  readonly indexes: { readonly store: VectorStore; readonly encoders: Readonly<Record<string, Encoder>> }
  /** Who may do what; without keys everybody may do everything. A keyring (`createKeyring`) takes other keys later. */
  readonly keys?: readonly ApiKey[] | Keyring
  readonly limits?: Partial<Limits>
  /** Names in the `Host` header that are answered; by default those of this machine where there are no keys, else any. */
  readonly hosts?: readonly string[]
  readonly log?: Logger
  /** Once it fires, `/health/ready` is 503, and all else goes on: those who send requests learn that this server is to stop. */
  readonly leaving?: AbortSignal
  /** Once it fires, new work is refused with 503. */
  readonly draining?: AbortSignal
  /** Once it fires, streams that are still open end with a line that says so. */
  readonly cut?: AbortSignal
}

export const appKeys: OptionKeys<AppOptions> = {
  indexes: true,
  keys: true,
  limits: true,
  hosts: true,
  log: true,
  leaving: true,
  draining: true,
  cut: true,
}
const indexesKeys: OptionKeys<AppOptions['indexes']> = { store: true, encoders: true }
/** Paths of what is done to documents: by their pattern they could be ids too, but in the document they stand by themselves. */
const action = /\/documents\/(?:get|delete|scroll|count)$/
const loopbackHosts = ['localhost', '127.0.0.1', '[::1]']
/** Of answers that are data; whether there is TLS is for the proxy in front to say. */
const securityHeaders = {
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
}

/** The HTTP API as a Hono app; `invalid-option` names a wrong key, limit or model. Mount it under a path: `app.route('/search', createApp(…))`. */
export function createApp(options: AppOptions) {
  checkOptionKeys('createApp', options, appKeys)
  const { indexes, keys, limits: given, hosts, log, leaving, draining, cut } = options
  checkOptionKeys('createApp: indexes', indexes, indexesKeys)
  if (Object.keys(indexes.encoders).length === 0)
    throw new QontrastError(
      'invalid-option',
      'indexes.encoders names no model: give one, such as { default: encoder }.',
    )
  const limits = resolveLimits(given)
  const keyring = keys && ('replace' in keys ? keys : createKeyring(keys))
  const streams = createStreams(limits.openStreams)
  const inFlight = { count: 0 }
  const metrics = createMetrics({ openStreams: () => streams.open, requestsInFlight: () => inFlight.count })
  if (keyring) countReloads(metrics.registry, keyring)
  const models = new Map(
    Object.entries(indexes.encoders).map(([name, encoder]) => [name, serveEncoder(name, encoder, { limits, metrics })]),
  )
  for (const [model, encoder] of Object.entries(indexes.encoders)) {
    metrics.workerRestarts.inc({ model }, 0)
    encoder.onWorkerLost?.((loss) => {
      metrics.workerRestarts.inc({ model })
      log?.error({ model, ...loss }, 'worker lost')
    })
  }
  const queues = new Map([...models].map(([name, { queue }]) => [name, queue]))
  metrics.watchQueues(queues)
  observeIndexes(indexes.store, metrics.registry)
  observeMaintenance(indexes.store, { registry: metrics.registry, log })
  const catalog = createCatalog(timeStore(indexes.store), models)
  const services: Services = { catalog, limits, metrics, streams, log, draining, cut }
  const answeredHosts = hosts ?? (keys ? undefined : loopbackHosts)

  const app = new OpenAPIHono<ApiEnv>({
    defaultHook: (result, c) => {
      if (result.success) return
      c.set('param', result.error.issues[0]?.path[0]?.toString())
      throw new QontrastError('invalid-input', describeIssues(result.error))
    },
  })
  app.onError((error, c) => {
    if (isQontrastError(error, 'index-not-found') || isQontrastError(error, 'encoder-mismatch'))
      catalog.forget(c.req.param('index') ?? '')
    return answerProblem(c, error)
  })

  app.use(compress({ encoding: 'gzip' }))
  app.use(observe({ metrics, log }))
  app.use('/docs/*', secureHeaders(referenceHeaders)) // the outer one has the last word
  app.use(secureHeaders(securityHeaders))
  if (answeredHosts) app.use(hostCheck(answeredHosts))
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, found) => {
        const methods = action.test(c.req.path) ? ['POST'] : found
        c.header('Allow', methods.join(', '))
        const error = new QontrastError('method-not-allowed', `This path has ${methods.join(', ')}.`)
        return answerProblem(c, error)
      },
    }),
  )
  for (const guarded of ['/v1/*', '/metrics/*']) app.use(guarded, authenticate(keyring))
  app.use('/v1/*', admission({ limits, queues, hasKeys: keyring !== undefined, draining, inFlight }))
  app.use('/v1/*', deadline(limits))
  app.use('/v1/*', jsonBody(limits))

  app.get('/metrics', requireScope('metrics', 'admin'), async (c) => {
    const { registry } = metrics
    return c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType })
  })
  let description: string | undefined
  app.get('/openapi.json', (c) => {
    description ??= describeApi(app, limits)
    return c.body(description, 200, { 'Content-Type': 'application/json' })
  })
  app.route('/', referenceRoutes())

  const routed = app
    .route(
      '/',
      healthRoutes({ store: indexes.store, encoders: indexes.encoders, leaving: eitherOf(leaving, draining) }),
    )
    .route('/', indexRoutes(services))
    .route('/', documentRoutes(services))
    .route('/', searchRoutes(services))
    .route('/', embeddingRoutes(services))
    .route('/', reindexRoutes(services))
  routed.all('*', (c) =>
    answerProblem(c, new QontrastError('not-found', 'There is nothing at this path; /docs says what there is.')),
  )
  return routed
}

function eitherOf(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined))
}

/** Of the app that `createApp` gives, for the typed client: `hc<AppType>(url)`. */
export type AppType = ReturnType<typeof createApp>
