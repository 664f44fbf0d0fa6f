import { describe, expect, test } from 'vitest'
import { serve } from '../../src/api/index.ts'
import { fitsPiece, jsonPieces } from '../../src/api/json-pieces.ts'
import { lancedb } from '../../src/main.ts'
import { createRandom } from '../../src/shared/index.ts'
import { bundled, openApp } from '../support/api.ts'
import { temporaryFolder } from '../support/temporary.ts'

const random = createRandom(5)
const whole = (most: number) => Math.floor(random() * most)
const one = <T>(list: readonly T[]): T => list[whole(list.length)]!
const texts = ['', 'plain', '"\\\n\u0000', '\u2028é', '\ud83d\ude00', '\ud800', '\udc00x', '__proto__', 'toJSON']
const text = () => one(texts) + 'ab\ud83d\ude00'.repeat(random() < 0.1 ? whole(20_000) : whole(4))
const numbers = [0, -0, 1e21, 1e-7, Number.NaN, Number.POSITIVE_INFINITY, 0.1, -5]

function value(depth: number): unknown {
  const kind = depth === 0 ? whole(5) : whole(9)
  const many = Array.from({ length: random() < 0.2 ? whole(3_000) : whole(5) })
  return [
    text,
    () => one(numbers),
    () => one([true, false, null, undefined]),
    () => one([new Date(0), new Map([[1, 2]]), Object(3), Object('x'), () => 1, Symbol('s')]),
    () => many.map(() => one(numbers)),
    () => many.slice(0, 40).map(() => value(depth - 1)),
    () => new Array(whole(4)),
    () => Object.fromEntries(many.slice(0, 20).map((_, i) => [`${text()}${i}`, value(depth - 1)])),
    () => Object.assign(Object.create(null), { a: value(depth - 1), 2: value(depth - 1), 1: undefined }),
  ][kind]?.()
}

describe('JSON in pieces', () => {
  test('is what JSON.stringify writes, whatever the data', () => {
    for (let i = 0; i < 300; i++) {
      const data = { first: value(3), rest: [value(3), value(2)] }
      expect([...jsonPieces(data)].join('')).toBe(JSON.stringify(data))
    }
  })

  test('no piece is long, however large the answer is and wherever it is large', () => {
    const vectors = Array.from({ length: 500 }, () => ({ embedding: Array.from({ length: 384 }, random) }))
    const large = {
      vectors,
      text: 'é\ud83d\ude00"'.repeat(200_000),
      keys: Object.fromEntries(vectors.map((v, i) => [i, v])),
    }
    expect(fitsPiece(large)).toBe(false)
    const pieces = [...jsonPieces(large)]
    expect(pieces.join('')).toBe(JSON.stringify(large))
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(150_000)
  })

  test('what fits into a piece is told apart without a walk over the rest', () => {
    let asked = 0
    const counted = new Proxy(
      Array.from({ length: 1_000_000 }, (_, i) => i),
      {
        get(target, key, receiver) {
          asked += 1
          return Reflect.get(target, key, receiver)
        },
      },
    )
    expect(fitsPiece({ counted })).toBe(false)
    expect(asked).toBeLessThan(10_000)
  })
})

describe('a large answer', () => {
  const input = Array.from({ length: 300 }, (_, i) => `text number ${i}`)

  test('comes in pieces that are one JSON, a small one whole with its length', async () => {
    const { call } = await openApp()
    const large = await call('POST', '/v1/embeddings', { model: 'default', input })
    expect(large.status).toBe(200)
    expect(large.headers.get('content-type')).toBe('application/json')
    expect(large.headers.get('content-length')).toBeNull()
    const vectors = await (await bundled()).encode(input)
    expect(large.body.data.map(({ embedding }: { embedding: number[] }) => Float32Array.from(embedding))).toEqual(
      input.map((_, i) => vectors.row(i)),
    )
    expect(JSON.stringify(JSON.parse(large.text))).toBe(large.text)
  })

  test('reaches a client of HTTP/1.0, which knows no chunks', async () => {
    const store = lancedb({ path: await temporaryFolder() })
    await using server = await serve({ port: 0, indexes: { store, encoders: { default: await bundled() } } })
    const { connect } = await import('node:net')
    const body = JSON.stringify({ model: 'default', input })
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write(
      `POST /v1/embeddings HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    const [head = '', answer = ''] = Buffer.concat(await Array.fromAsync(socket))
      .toString('utf8')
      .split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.[01] 200/)
    expect(head).not.toMatch(/transfer-encoding: chunked/i)
    expect(JSON.parse(answer).data).toHaveLength(input.length)
    await store.close()
  })
})
