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
  summary: 'Whether the store and the workers answer, and the server takes work.',
  tags,
  responses: { 200: answer(readySchema, 'They do.'), 503: answer(readySchema, 'Not all of them.') },
})
