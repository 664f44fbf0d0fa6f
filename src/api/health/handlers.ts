import { OpenAPIHono, type z } from '@hono/zod-openapi'
import type { Encoder, Input, Modality } from '../../embed/index.ts'
import type { VectorStore } from '../../index/index.ts'
import type { ApiEnv } from '../context.ts'
import { live, ready, type readySchema } from './routes.ts'

type Readiness = z.infer<typeof readySchema>
interface Checked {
  readonly store: VectorStore
  readonly encoders: Readonly<Record<string, Encoder>>
  /** Fires when the server is to stop soon. */
  readonly leaving: AbortSignal | undefined
}

const patienceMilliseconds = 5_000
const freshMilliseconds = 1_000

/** Liveness and readiness, open to everybody; whoever asks often gets the last answer. */
export function healthRoutes(checked: Checked) {
  let last: { readonly at: number; readonly answer: Promise<Readiness> } | undefined
  const busyAt = new Map<string, number>()
  for (const [model, encoder] of Object.entries(checked.encoders))
    encoder.onBatch?.(() => busyAt.set(model, performance.now()))

  function recent(): Promise<Readiness> {
    const now = performance.now()
    if (!last || now - last.at > freshMilliseconds) last = { at: now, answer: check(checked, busyAt) }
    return last.answer
  }

  return new OpenAPIHono<ApiEnv>()
    .openapi(live, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(ready, async (c) => {
      const answer = await recent()
      const leaving = checked.leaving?.aborted ?? false
      if (leaving || answer.status !== 'ready') return c.json({ ...answer, status: 'not ready' as const }, 503)
      return c.json(answer, 200)
    })
}

/** A picture of one black pixel, as PNG. */
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg==',
  'base64',
)
/** The least that a model of each modality can be asked; what has no least is asked nothing. */
const questions: Readonly<Record<Modality, readonly Input[]>> = {
  text: ['ready?'],
  image: [{ image: { bytes: pixel, type: 'image/png' } }],
  audio: [],
}

function questionTo({ accepts }: Encoder): readonly Input[] {
  return [...accepts].map((modality) => questions[modality])[0] ?? []
}

/** One model that does not answer leaves the others in rotation: the server is ready while it can serve something. */
async function check({ store, encoders }: Checked, busyAt: ReadonlyMap<string, number>): Promise<Readiness> {
  const models = Object.entries(encoders).map(async ([model, encoder]) => {
    const state = await stateOf(encoder.encode(questionTo(encoder), { purpose: 'query' }))
    const busy = performance.now() - (busyAt.get(model) ?? Number.NEGATIVE_INFINITY) < patienceMilliseconds
    return [model, state === 'late' && busy ? 'ok' : stated(state)] as const
  })
  const [storeState, ...states] = await Promise.all([stateOf(store.list()), ...models])
  const ready = storeState === 'ok' && states.some(([, state]) => state === 'ok')
  return { status: ready ? 'ready' : 'not ready', store: stated(storeState), workers: Object.fromEntries(states) }
}

const stated = (state: 'ok' | 'failed' | 'late') => (state === 'ok' ? 'ok' : 'failed')

async function stateOf(work: Promise<unknown>): Promise<'ok' | 'failed' | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), patienceMilliseconds)
  })
  const done = work.then(
    () => 'ok' as const,
    () => 'failed' as const,
  )
  return Promise.race([done, late]).finally(() => clearTimeout(timer))
}
