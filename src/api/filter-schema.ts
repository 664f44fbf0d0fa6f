import { z } from '@hono/zod-openapi'
import type { PlainFilter } from '../index/index.ts'

/** A filter in its plain form; what is in it is checked against the index's fields (`invalid-filter`). */
export const filterSchema = z
  .custom<PlainFilter>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'A filter is an object.',
  )
  .openapi('Filter', {
    type: 'object',
    description:
      'Fields with a value, a list (one of them) or operators (eq, in, gt, gte, lt, lte, contains, exists), all of which hold; $and, $or and $not combine. On fields declared as date, ISO 8601 strings are compared as instants. At most 1,000 conditions, 10,000 values of a set, 20 levels.',
    example: { source: 'NHLBI', year: { gte: 2000 } },
  })
