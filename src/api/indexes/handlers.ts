import { OpenAPIHono } from '@hono/zod-openapi'
import { type CollectionSchema, type Filter, indexNames, toFilter } from '../../index/index.ts'
import { isQontrastError, QontrastError } from '../../shared/index.ts'
import type { Access, Bound } from '../access/keys.ts'
import type { ApiEnv, Services } from '../context.ts'
import { createIndex, deleteIndex, describeIndex, listIndexes } from './routes.ts'

/** Indexes: list, create, describe, delete. */
export function indexRoutes({ catalog }: Services) {
  const { store } = catalog

  /** A bound key learns how many documents it sees, and nothing about the size of the rest. */
  async function describe(name: string, { bound }: Access) {
    const info = await store.info(name)
    if (!info) return undefined
    const { schema, points: chunks, bytes, foreign } = info
    const filter = bound && filterWithin(schema, bound)
    const documents =
      filter === 'nothing' ? 0 : await store.count(name, { unit: 'documents', ...(filter && { filter }) })
    return {
      name,
      model: catalog.modelOf(info) ?? null,
      dimensions: schema.dimensions,
      fields: schema.fields,
      ...(foreign ? { textKey: foreign.text ?? null } : {}),
      documents,
      ...(bound ? {} : { chunks, ...(bytes === undefined ? {} : { bytes }) }),
    }
  }

  return new OpenAPIHono<ApiEnv>()
    .openapi(listIndexes, async (c) => {
      const described = await Promise.all(
        indexNames(await store.list(), await store.aliases()).map((name) =>
          describe(name, c.var.access).catch(undefinedWhereGone),
        ),
      )
      return c.json({ indexes: described.filter((index) => index !== undefined) }, 200)
    })
    .openapi(createIndex, async (c) => {
      const { name, model, fields } = c.req.valid('json')
      await catalog.create(name, { model, fields })
      return c.json(required(name, await describe(name, c.var.access)), 201)
    })
    .openapi(describeIndex, async (c) => {
      const { index } = c.req.valid('param')
      return c.json(required(index, await describe(index, c.var.access)), 200)
    })
    .openapi(deleteIndex, async (c) => {
      await catalog.drop(c.req.valid('param').index)
      return c.body(null, 204)
    })
}

/** Of a list, what is dropped meanwhile is left out. */
function undefinedWhereGone(error: unknown): undefined {
  if (!isQontrastError(error, 'index-not-found')) throw error
}

/** A key's filter may ask a declared field for what it cannot hold: the key sees nothing there. */
function filterWithin({ fields }: CollectionSchema, { filter }: Bound): Filter | 'nothing' {
  try {
    return toFilter(filter, fields)
  } catch (error) {
    if (isQontrastError(error, 'invalid-filter')) return 'nothing'
    throw error
  }
}

function required<T>(name: string, described: T | undefined): T {
  if (described !== undefined) return described
  throw new QontrastError('index-not-found', `There is no index '${name}'.`)
}
