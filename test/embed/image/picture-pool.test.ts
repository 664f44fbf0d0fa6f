import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fitted } from '../../../src/embed/image/fit.ts'
import { createPicturePool, type PicturePool } from '../../../src/embed/image/picture-pool.ts'
import { decodePicture } from '../../../src/media/index.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const steps = [{ kind: 'resize', to: { kind: 'exact', size: { width: 24, height: 16 } }, resample: 'bicubic' }] as const
const folder = new URL('../../fixtures/pictures/', import.meta.url)
const place = (name: string) => fileURLToPath(new URL(name, folder))

let pool: PicturePool
beforeAll(async () => {
  pool = await createPicturePool({ steps, workers: 2, maximumBytes: 20_000, seconds: 5 })
})
afterAll(() => pool.close())

test('files and bytes give what decoding here gives', async () => {
  for (const name of ['photo.jpg', 'alpha.png', 'turned-6.jpg', 'animated.gif']) {
    const bytes = await readFile(place(name))
    const expected = fitted(await decodePicture(bytes), { steps })
    for (const source of [{ path: place(name) }, { bytes }]) {
      const { width, height, data } = await pool.read(source)
      expect([width, height, Buffer.from(data).equals(expected.data)]).toEqual([24, 16, true])
    }
  }
})

test('a picture that cannot be read is told with its reason, and costs no other', async () => {
  const text = path.join(await temporaryFolder(), 'text.png')
  await writeFile(text, 'hello')
  const good = place('photo.jpg')
  const outcomes = await Promise.allSettled(
    [good, text, `${good}.gone`, fileURLToPath(folder), good].map((one) => pool.read({ path: one })),
  )
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'])
  const reasons = outcomes.flatMap((one) =>
    one.status === 'rejected' ? [`${one.reason.code}: ${one.reason.message}`] : [],
  )
  expect(reasons[0]).toMatch(/invalid-input: .*unsupported image format/)
  expect(reasons[1]).toMatch(/file-unreadable: .*ENOENT/)
  expect(reasons[2]).toMatch(/file-unreadable: .*it is no file/)
})

test('a file of more bytes than are read is refused', async () => {
  await expect(pool.read({ bytes: new Uint8Array(20_001) })).rejects.toMatchObject({ code: 'too-large' })
})

test('a picture that takes too long is given up, and the next one is read', async () => {
  await using brief = await openBrief()
  const slow = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="9000"><filter id="f"><feTurbulence numOctaves="900" baseFrequency="0.5"/></filter><rect width="9000" height="9000" filter="url(#f)"/></svg>`,
  )
  await expect(brief.read({ bytes: slow })).rejects.toThrow(/decoding it takes longer than 1 s/)
  expect((await brief.read({ path: place('photo.jpg') })).width).toBe(24)
})

async function openBrief() {
  const brief = await createPicturePool({ steps, workers: 1, seconds: 1 })
  return Object.assign(brief, { [Symbol.asyncDispose]: () => brief.close() })
}
