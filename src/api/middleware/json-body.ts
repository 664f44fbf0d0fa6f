import type { MiddlewareHandler } from 'hono'
import { isError, mayHoldLargeNumbers, messageOf, parseJson, QontrastError } from '../../shared/index.ts'
import type { ApiContext, ApiEnv } from '../context.ts'
import type { Limits } from '../limits.ts'
import { routeOf } from '../route-of.ts'
import { timed } from '../timings.ts'

const withBody = new Set(['POST', 'PUT', 'PATCH'])
const json = /^application\/json\s*(;|$)/i
/** Typed as any string: the router's types would take it for JSON. */
export const ndjson: string = 'application/x-ndjson'
const deepest = 64

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
    checkDepth(text)
    Object.assign(c.req.bodyCache, { text: Promise.resolve(withDigits(text)) }) // what c.req.json() reads
    await next()
  }
}

/** The body, its integers past 2^53 written as strings: what reads it uses JSON.parse. What is no JSON is left to it too. */
function withDigits(text: string): string {
  if (!mayHoldLargeNumbers(text) || !isJson(text)) return text
  try {
    return JSON.stringify(parseJson(text))
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
    const bytes = announced === undefined ? readStream(c, bodyBytes, giveUp.passed) : c.req.raw.arrayBuffer()
    return new TextDecoder('utf-8', { fatal: true }).decode(await Promise.race([bytes, giveUp.passed]))
  } catch (error) {
    c.header('Connection', 'close') // what is left of the body is not wanted
    if (isError(error) && error.name === 'TypeError')
      throw new QontrastError('malformed', 'The body is not UTF-8.', { cause: error })
    throw error
  } finally {
    giveUp.stop()
  }
}

/** A body whose length is not announced; reading stops at the limit. */
async function readStream(c: ApiContext, bodyBytes: number, passed: Promise<never>): Promise<Uint8Array> {
  const reader = c.req.raw.body?.getReader()
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
export function timeLimit(seconds: number): { readonly passed: Promise<never>; stop(): void } {
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

/** Brackets outside strings: what is nested too deep is refused before anything walks it. */
function checkDepth(text: string): void {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > deepest)
        throw new QontrastError('malformed', `The JSON is nested more than ${deepest} levels deep.`)
    } else if (code === 0x5d || code === 0x7d) depth--
  }
}
