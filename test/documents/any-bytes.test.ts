import { readFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readableExtensions } from '../../src/documents/index.ts'
import { fuzz } from '../support/fuzz.ts'
import { putFiles, readFiles } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary.ts'

const beginnings: readonly (string | Uint8Array)[] = [
  '',
  '---\na: 1\n---\n# x {#y}\n',
  '<!doctype html><meta charset=shift_jis><h1>x',
  '%PDF-1.7\n',
  'PK\u0003\u0004',
  '{"cells":[{"cell_type":"markdown","source":"# x"}]}',
  'id,text\n1,x\n',
  'Title\n=====\n',
  await readFile(new URL('../fixtures/documents/two-pages.pdf', import.meta.url)),
]

const content = fc
  .record({ start: fc.constantFrom(...beginnings), rest: fc.uint8Array({ maxLength: 300 }), flip: fc.nat(1_000) })
  .map(({ start, rest, flip }) => {
    const bytes = Buffer.concat([Buffer.from(start), rest])
    if (bytes.length > 0) bytes[flip % bytes.length] = flip % 256
    return bytes
  })

test('any bytes under any extension are read without replaced characters, or reported, and never end the run', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(content, { minLength: 4, maxLength: 8 }), fc.nat(), async (files, first) => {
      const folder = await temporaryFolder()
      const names = files.map((_, i) => `${i}${readableExtensions[(first + i * 7) % readableExtensions.length]}`)
      await putFiles(folder, Object.fromEntries(files.map((bytes, i) => [names[i] ?? '', bytes])))
      await putFiles(folder, { 'last.txt': 'the last one' })
      const { documents, failures, notices } = await readFiles(folder)
      expect(documents.at(-1)?.text).toBe('the last one')
      const told = new Set([...failures, ...notices].map((one) => path.basename(one.path)))
      const given = new Set(documents.map(({ payload }) => payload?.['path']))
      for (const name of names) expect(given.has(name) || told.has(name)).toBe(true)
    }),
    fuzz(40),
  )
})
