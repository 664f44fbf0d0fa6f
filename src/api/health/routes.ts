import { createRoute, z } from '@hono/zod-openapi'
import { answer } from '../route.ts'

const state = z.enum(['ok', 'failed'])
export const readySchema = z
  .object({ status: z.enum(['ready', 'not ready']), store: state, workers: z.record(z.string(), state) })
  .openapi('Readiness')
const tags = ['Operation']

export const live = createRoute({
  method: 'get',
  path: '/health/live',
  operationId: 'live',
  summary: 'Whether the process answers.',
  tags,
  responses: { 200: answer(z.object({ status: z.literal('ok') }), 'It does.') },
})

export const ready = createRoute({
  method: 'get',
  path: '/health/ready',
  operationId: 'ready',
  summary: 'Whether the server can serve: the store answers, and a model, and it is not about to stop.',
  description:
    'A model that does not answer, such as one whose worker is being replaced, is named and leaves the others in rotation.',
  tags,
  responses: {
    200: answer(readySchema, 'It can.'),
    503: answer(readySchema, 'The store does not answer, or no model does, or it is about to stop.'),
  },
})
