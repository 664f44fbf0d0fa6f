import { z } from '@hono/zod-openapi'
import { filterLimits, type PlainFilter } from '../index/index.ts'

const { conditions, comparisons, values, depth, parts } = filterLimits

/** A filter in its plain form; what is in it is checked against the index's fields (`invalid-filter`). */
export const filterSchema = z
  .custom<PlainFilter>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'A filter is an object.',
  )
  .openapi('Filter', {
    type: 'object',
    description: `Fields with a value, a list (one of them) or operators (eq, in, gt, gte, lt, lte, contains, exists), all of which hold; $and, $or and $not combine. On fields declared as date, ISO 8601 strings are compared as instants. At most ${conditions} conditions, ${comparisons} of them ranges or contains, ${values} values of a set, ${depth} levels, ${parts} branches and values as written.`,
    example: { source: 'NHLBI', year: { gte: 2000 } },
  })
