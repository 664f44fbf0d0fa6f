import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { decodePicture } from '../../src/media/index.ts'

interface Reference {
  readonly file: string
  readonly size: readonly [number, number]
  readonly sha256: string
}
const folder = new URL('../fixtures/pictures/', import.meta.url)
const bytesOf = (name: string) => readFile(new URL(name, folder))
const references: readonly Reference[] = JSON.parse(await readFile(new URL('pillow.json', folder), 'utf8'))

test.each(references)('$file gives the pixels that Pillow gives', async ({ file, size, sha256 }) => {
  const { width, height, data } = await decodePicture(await bytesOf(file))
  expect([width, height]).toEqual(size)
  expect(createHash('sha256').update(data).digest('hex')).toBe(sha256)
})

test('what lets the ground through gets the ground that was asked for', async () => {
  const bytes = await bytesOf('alpha.png')
  const white = await decodePicture(bytes)
  const black = await decodePicture(bytes, { background: [0, 0, 0] })
  const none = await decodePicture(bytes, { background: 'none' })
  expect([...white.data.slice(0, 3)]).toEqual([255, 255, 255]) // its first column is clear
  expect([...black.data.slice(0, 3)]).toEqual([0, 0, 0])
  expect([...none.data.slice(0, 3)]).not.toEqual([255, 255, 255])
})

test('a drawing is drawn, and fetches nothing', async () => {
  const drawing = (inner: string) =>
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="4" height="2">${inner}</svg>`,
    )
  const red = await decodePicture(drawing('<rect width="4" height="2" fill="#ff0000"/>'))
  expect([red.width, red.height, [...red.data.slice(0, 3)]]).toEqual([4, 2, [255, 0, 0]])
  const picture = new URL('grey.png', folder).href
  for (const inner of [
    `<image xlink:href="${picture}" width="4" height="2"/>`,
    `<image href="http://localhost:9/a.png" width="4" height="2"/>`,
    '<script>alert(1)</script>',
  ])
    expect(new Set((await decodePicture(drawing(inner))).data)).toEqual(new Set([255]))
})

const refused: readonly [string, () => Uint8Array | Promise<Uint8Array>, { code: string; reason: RegExp }][] = [
  ['an empty file', () => Buffer.alloc(0), { code: 'invalid-input', reason: /it is empty/ }],
  ['a text', () => Buffer.from('hello'), { code: 'invalid-input', reason: /unsupported image format.*jpeg, png/ }],
  ['a JPEG cut short', () => halfOf('photo.jpg'), { code: 'invalid-input', reason: /premature end/ }],
  ['a PNG cut short', () => halfOf('grey.png'), { code: 'invalid-input', reason: /read error/ }],
  [
    'a bitmap',
    () =>
      Buffer.from(
        'Qk1GAAAAAAAAADYAAAAoAAAAAgAAAAIAAAABABgAAAAAABAAAAATCwAAEwsAAAAAAAAAAAAA/////wAAAAAA////AAA=',
        'base64',
      ),
    { code: 'invalid-input', reason: /unsupported/ },
  ],
  [
    'a drawing of 20,000 × 20,000',
    () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="20000"/>'),
    { code: 'too-large', reason: /20000 × 20000 pixels is larger than the 100,000,000/ },
  ],
  [
    'a PNG that says it is huge',
    async () => withSize(await bytesOf('grey.png'), 60_000),
    { code: 'too-large', reason: /60000 × 60000/ },
  ],
]

test.each(refused)('%s is refused with the reason', async (_, bytes, { code, reason }) => {
  await expect(decodePicture(await bytes())).rejects.toMatchObject({ code, message: expect.stringMatching(reason) })
})

async function halfOf(name: string): Promise<Uint8Array> {
  const bytes = await bytesOf(name)
  return bytes.subarray(0, bytes.length / 2)
}

/** A PNG whose header says another size; its checksum is made anew. */
function withSize(png: Buffer, size: number): Buffer {
  const copy = Buffer.from(png)
  copy.writeUInt32BE(size, 16)
  copy.writeUInt32BE(size, 20)
  copy.writeUInt32BE(crc(copy.subarray(12, 29)), 29)
  return copy
}

function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  return (sum ^ 0xffffffff) >>> 0
}
