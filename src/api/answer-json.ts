import type { TypedResponse } from 'hono'
import type { JSONParsed } from 'hono/utils/types'
import { createPace } from '../shared/index.ts'
import type { ApiContext } from './context.ts'
import { fitsPiece, jsonPieces } from './json-pieces.ts'

const encoder = new TextEncoder()

/** Answers with JSON; what is large is written in pieces as the client takes them, so that other requests come in between. */
export function answerJson<Body>(c: ApiContext, body: Body): Response & TypedResponse<JSONParsed<Body>, 200, 'json'>
export function answerJson(c: ApiContext, body: object): Response {
  if (fitsPiece(body)) return c.json(body, 200)
  return c.body(ReadableStream.from(written(body)), 200, { 'content-type': 'application/json' })
}

async function* written(body: object): AsyncGenerator<Uint8Array, void, undefined> {
  const pace = createPace()
  for (const piece of jsonPieces(body)) {
    await pace()
    yield encoder.encode(piece)
  }
}
