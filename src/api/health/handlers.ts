import { OpenAPIHono, type z } from '@hono/zod-openapi'
import type { Encoder } from '../../embed/index.ts'
import type { VectorStore } from '../../index/index.ts'
import type { ApiEnv } from '../context.ts'
import { live, ready, type readySchema } from './routes.ts'

type Readiness = z.infer<typeof readySchema>
interface Checked {
  readonly store: VectorStore
  readonly encoders: Readonly<Record<string, Encoder>>
  readonly draining: AbortSignal | undefined
}

const patienceMilliseconds = 5_000
const freshMilliseconds = 1_000

/** Liveness and readiness, open to everybody; whoever asks often gets the last answer. */
export function healthRoutes(checked: Checked) {
  let last: { readonly at: number; readonly answer: Promise<Readiness> } | undefined

  function recent(): Promise<Readiness> {
    const now = performance.now()
    if (!last || now - last.at > freshMilliseconds) last = { at: now, answer: check(checked) }
    return last.answer
  }

  return new OpenAPIHono<ApiEnv>()
    .openapi(live, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(ready, async (c) => {
      const answer = await recent()
      const draining = checked.draining?.aborted ?? false
      if (draining || answer.status !== 'ready') return c.json({ ...answer, status: 'not ready' as const }, 503)
      return c.json(answer, 200)
    })
}

async function check({ store, encoders }: Checked): Promise<Readiness> {
  const storeState = await stateOf(store.list())
  const workers: Record<string, 'ok' | 'failed'> = {}
  for (const [model, encoder] of Object.entries(encoders)) {
    workers[model] = await stateOf(encoder.encode(['ready?'], { purpose: 'query' }))
  }
  const all = [storeState, ...Object.values(workers)].every((state) => state === 'ok')
  return { status: all ? 'ready' : 'not ready', store: storeState, workers }
}

async function stateOf(work: Promise<unknown>): Promise<'ok' | 'failed'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'failed'>((resolve) => {
    timer = setTimeout(() => resolve('failed'), patienceMilliseconds)
  })
  const done = work.then(
    () => 'ok' as const,
    () => 'failed' as const,
  )
  return Promise.race([done, late]).finally(() => clearTimeout(timer))
}
