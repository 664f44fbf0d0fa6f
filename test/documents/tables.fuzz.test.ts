import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type ReadFailure, readDocuments } from '../../src/documents/index.ts'
import { fuzz } from '../support/fuzz.ts'
import { temporaryFolder } from '../support/temporary.ts'

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})

type Encode = (text: string) => Buffer
const utf8: Encode = (given) => Buffer.from(given)
const utf8WithMark: Encode = (given) => Buffer.from(`\ufeff${given}`)
const utf16le: Encode = (given) => Buffer.from(`\ufeff${given}`, 'utf16le')
const utf16be: Encode = (given) => Buffer.from(`\ufeff${given}`, 'utf16le').swap16()

const pieces = [
  'a',
  'word',
  'ü',
  '漢字',
  '😀',
  ' ',
  ',',
  ';',
  '\t',
  '|',
  '"',
  '""',
  "'",
  '\\',
  '\n',
  '#',
  '1',
  '3,14',
  '-',
  '=',
]
const cell = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
const text = fc.tuple(fc.constantFrom('The ', 'One ', 'Ein '), cell).map((parts) => parts.join(''))
const row = fc.record({ text, note: fc.oneof(cell, fc.constant('')) })

/** Ways that programs write cells. */
const always = (value: string) => quote(value)
const asNeeded = (value: string, delimiter: string) =>
  /["\r\n]/.test(value) || value.includes(delimiter) || value.trim() !== value ? quote(value) : value

function quote(value: string): string {
  return `"${value.replaceAll('"', '""')}"`
}

const forms = fc.record({
  encode: fc.constantFrom(utf8, utf8WithMark, utf16le, utf16be),
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  write: fc.constantFrom(always, asNeeded),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  headerEnd: fc.constantFrom('\n', '\r\n'),
  lastEnd: fc.boolean(),
  blankLines: fc.boolean(),
})

async function readBack(name: string, bytes: Uint8Array) {
  const file = path.join(folder, name)
  await writeFile(file, bytes)
  const failures: ReadFailure[] = []
  const documents = await Array.fromAsync(
    readDocuments(file, { fields: { note: 'keyword' }, onFailure: (failure) => failures.push(failure) }),
  )
  return {
    rows: documents.map(({ text: given, payload }) => ({ text: given, note: payload?.['note'] ?? '' })),
    failures,
  }
}

test('rows come back from the files that programs write of them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), forms, async (rows, form) => {
      const { delimiter, lineEnd, headerEnd, lastEnd, blankLines, encode } = form
      const write = (value: string) => form.write(value.replaceAll('\n', lineEnd), delimiter)
      const lines = rows.map((one, i) => [String(i), write(one.text), write(one.note)].join(delimiter))
      const content = `${['id', 'text', 'note'].join(delimiter)}${headerEnd}${lines.join(blankLines ? lineEnd.repeat(2) : lineEnd)}${lastEnd ? lineEnd : ''}`
      const back = await readBack(delimiter === '\t' ? 'a.tsv' : 'a.csv', encode(content))
      const expected = rows.map(({ text: given, note }) => ({ text: given, note: note.trim() === '' ? '' : note }))
      expect(back).toEqual({ rows: expected, failures: [] })
    }),
    fuzz(150),
  )
}, 60_000)

/** The rows of a file that can be read as one of quoted cells too, by the letter: then nothing tells what was meant. */
function asQuoted(content: string, delimiter: string): unknown[] | undefined {
  try {
    const rows: { text: string; note: string }[] = parse(content, { delimiter, columns: true, relax_quotes: true })
    return rows.map(({ text: given, note }) => ({ text: given, note: note.trim() === '' ? '' : note }))
  } catch {
    return undefined
  }
}

test('of files whose quotes are characters, each row comes back or its line is told', async () => {
  const bare = row.filter(({ note }) => !/[\n\t]/.test(note) && !/^".*"$|""/.test(note.trim()))
  await fc.assert(
    fc.asyncProperty(fc.array(bare, { minLength: 1, maxLength: 8 }), fc.boolean(), async (rows, tabs) => {
      const delimiter = tabs ? '\t' : ','
      const written = rows
        .map((one) => ({ ...one, text: one.text.replace(/[\n\t]/g, ' ') }))
        .filter(({ text: given, note }) => !`${given}${note}`.includes(delimiter))
      const lines = written.map((one, i) => [i, one.text, one.note].join(delimiter))
      const content = [['id', 'text', 'note'].join(delimiter), ...lines].join('\n')
      const { rows: found, failures } = await readBack(tabs ? 'b.tsv' : 'b.csv', utf8(content))
      const expected = written.map(({ text: given, note }) => ({ text: given, note: note.trim() === '' ? '' : note }))
      const quoted = asQuoted(content, delimiter)
      if (quoted && !tabs && failures.length === 0 && found.length < expected.length) {
        expect(found).toEqual(quoted)
        return
      }
      for (const one of found) expect(expected).toContainEqual(one)
      if (failures.length === 0) expect(found).toEqual(expected)
      if (tabs) expect(failures).toEqual([])
    }),
    fuzz(150),
  )
}, 60_000)
