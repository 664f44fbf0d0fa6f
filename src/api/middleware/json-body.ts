import type { MiddlewareHandler } from 'hono'
import {
  createPace,
  isQontrastError,
  mayHoldLargeNumbers,
  messageOf,
  parseJson,
  QontrastError,
  systemCodeOf,
} from '../../shared/index.ts'
import type { ApiContext, ApiEnv } from '../context.ts'
import { checkShape, withoutNulls } from '../json.ts'
import type { Limits } from '../limits.ts'
import { encodingOf, streamOf } from '../request-body.ts'
import { routeOf } from '../route-of.ts'
import { timed } from '../timings.ts'

const withBody = new Set(['POST', 'PUT', 'PATCH'])
const json = /^application\/json\s*(;|$)/i
/** Typed as any string: the router's types would take it for JSON. */
export const ndjson: string = 'application/x-ndjson'
const nullProperty = /:\s*null\b/

/**
 * Reads JSON bodies whole, within the limits of size, time and depth; streams of NDJSON are left to their handler.
 * Other types are refused: they are what a page of another origin could send without being asked first.
 */
export function jsonBody({ bodyBytes, bodySeconds }: Limits): MiddlewareHandler<ApiEnv> {
  return async function jsonBody(c, next) {
    if (!withBody.has(c.req.method) || routeOf(c) === undefined) return next()
    const type = c.req.header('content-type')
    if (type?.split(';')[0]?.trim().toLowerCase() === ndjson) return next()
    if (!type || !json.test(type)) {
      throw new QontrastError('unsupported-media-type', 'The content type must be application/json.')
    }
    const text = await timed('body', () => read(c, { bodyBytes, bodySeconds }))
    const pace = createPace() // a body of megabytes takes long to look through, and again to parse
    checkShape(text)
    await pace()
    Object.assign(c.req.bodyCache, { text: Promise.resolve(rewritten(text)) }) // what c.req.json() reads
    await pace()
    await next()
  }
}

/** The body, its integers past 2^53 written as strings, and without the fields that are null: what reads it uses JSON.parse. What is no JSON is left to it too. */
function rewritten(text: string): string {
  if (!mayHoldLargeNumbers(text) && !nullProperty.test(text)) return text
  if (!isJson(text)) return text
  try {
    return JSON.stringify(withoutNulls(parseJson(text)))
  } catch (error) {
    throw new QontrastError('invalid-input', `The body holds a number that cannot be kept: ${messageOf(error)}.`)
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

type BodyLimits = Pick<Limits, 'bodyBytes' | 'bodySeconds'>

async function read(c: ApiContext, { bodyBytes, bodySeconds }: BodyLimits): Promise<string> {
  const announced = c.req.header('content-length')
  const giveUp = timeLimit(bodySeconds)
  try {
    if (Number(announced ?? 0) > bodyBytes) throw tooLarge(bodyBytes)
    const whole = announced !== undefined && encodingOf(c) === undefined
    const bytes = whole ? c.req.raw.arrayBuffer() : readStream(c, bodyBytes, giveUp.passed)
    return new TextDecoder('utf-8', { fatal: true }).decode(await Promise.race([bytes, giveUp.passed]))
  } catch (error) {
    c.header('Connection', 'close') // what is left of the body is not wanted
    if (isQontrastError(error)) throw error
    const isEncoding = systemCodeOf(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA'
    const what = isEncoding ? 'is not UTF-8' : 'broke off, or is not compressed as its Content-Encoding says'
    throw new QontrastError('malformed', `The body ${what}.`, { cause: error })
  } finally {
    giveUp.stop()
  }
}

/** A body whose length, as it is read, is not announced; reading stops at the limit. */
async function readStream(c: ApiContext, bodyBytes: number, passed: Promise<never>): Promise<Uint8Array> {
  const reader = streamOf(c)?.getReader()
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    while (reader) {
      const { done, value } = await Promise.race([reader.read(), passed])
      if (done) break
      bytes += value.byteLength
      if (bytes > bodyBytes) throw tooLarge(bodyBytes)
      parts.push(value)
    }
  } catch (error) {
    reader?.cancel().catch(() => {})
    throw error
  }
  return Buffer.concat(parts)
}

/** A promise that rejects with `too-slow`; nobody needs to wait for it. */
function timeLimit(seconds: number): { readonly passed: Promise<never>; stop(): void } {
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new QontrastError('too-slow', `The body did not come within ${seconds} s.`)),
      seconds * 1_000,
    )
  })
  passed.catch(() => {})
  return { passed, stop: () => clearTimeout(timer) }
}

function tooLarge(bodyBytes: number): QontrastError {
  return new QontrastError(
    'too-large',
    `The body has more than ${bodyBytes} bytes. Send less at once, or a stream of NDJSON.`,
  )
}
