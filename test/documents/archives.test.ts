import { existsSync } from 'node:fs'
import path from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { beforeEach, expect, test } from 'vitest'
import { headings, putFiles, readFiles } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})

type Entries = Record<string, string | Uint8Array>

const zip = (entries: Entries) =>
  zipSync(
    Object.fromEntries(
      Object.entries(entries).map(([name, content]) => [
        name,
        typeof content === 'string' ? strToU8(content) : content,
      ]),
    ),
  )

const container =
  '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'

function epub(chapters: Record<string, string>, extra: Entries = {}): Uint8Array {
  const names = Object.keys(chapters)
  const items = names.map(
    (name, i) => `<item id="c${i}" href="${encodeURI(name)}" media-type="application/xhtml+xml"/>`,
  )
  const opf = `<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>A &amp; B</dc:title></metadata><manifest>${items.join('')}<item id="css" href="x.css" media-type="text/css"/></manifest><spine>${names.map((_, i) => `<itemref idref="c${i}"/>`).join('')}<itemref idref="css"/></spine></package>`
  return zip({
    mimetype: 'application/epub+zip',
    'META-INF/container.xml': container,
    'OEBPS/book.opf': opf,
    ...Object.fromEntries(Object.entries(chapters).map(([name, text]) => [path.posix.join('OEBPS', name), text])),
    ...extra,
  })
}

const xhtml = (body: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x.js"/></head><body>${body}</body></html>`

function docx(body: string, extra: Entries = {}): Uint8Array {
  const types =
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
  const relations =
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>'
  const document = `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`
  return zip({ '[Content_Types].xml': types, '_rels/.rels': relations, 'word/document.xml': document, ...extra })
}

const paragraph = (text: string, style?: string) =>
  `<w:p>${style ? `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>` : ''}<w:r><w:t>${text}</w:t></w:r></w:p>`

test('an EPUB is read in the order of its chapters, with their headings; XHTML may end any tag at once', async () => {
  await putFiles(folder, {
    'book.epub': epub({
      'two words.xhtml': xhtml('<h1>First<a id="x"/></h1><p>One&#160;more</p>'),
      'b.xhtml': xhtml('<h1>Second</h1><div/><p>Two</p><h2>Deeper</h2><p>three</p>'),
    }),
  })
  const { documents, failures } = await readFiles(folder)
  expect(failures).toEqual([])
  expect(documents).toMatchObject([{ title: 'A & B', text: 'First\nOne more\n\nSecond\nTwo\nDeeper\nthree\n\n' }])
  expect(documents[0] && headings(documents[0]).map(([heading]) => heading)).toEqual([
    'First',
    'Second',
    'Second › Deeper',
  ])
})

test('a Word document is read with its headings and tables', async () => {
  const table = `<w:tbl><w:tr><w:tc>${paragraph('cell')}</w:tc></w:tr></w:tbl>`
  await putFiles(folder, {
    'a.docx': docx(
      `${paragraph('Start', 'Heading1')}${paragraph('Text.')}${table}${paragraph('Deeper', 'Heading2')}${paragraph('End.')}`,
      {
        'docProps/core.xml':
          '<cp:coreProperties xmlns:cp="urn:cp" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The report</dc:title></cp:coreProperties>',
      },
    ),
  })
  const { documents, failures } = await readFiles(folder)
  expect(failures).toEqual([])
  expect(documents).toMatchObject([{ title: 'The report', text: 'Start\nText.\ncell\nDeeper\nEnd.\n' }])
  expect(documents[0] && headings(documents[0]).map(([heading]) => heading)).toEqual(['Start', 'Start › Deeper'])
})

test('bombs and archives that lead out are refused with the limit, and the run goes on', async () => {
  const zeros = new Uint8Array(8 * 1024 * 1024)
  const laughs = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>`
  const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`${i}.txt`, '']))
  const lying = Buffer.from(epub({ 'a.xhtml': xhtml(`<p>${'words and more '.repeat(50_000)}</p>`) }))
  for (
    let at = lying.indexOf('PK\u0001\u0002', 0, 'latin1');
    at >= 0;
    at = lying.indexOf('PK\u0001\u0002', at + 4, 'latin1')
  ) {
    lying.writeUInt32LE(100, at + 24) // says that it expands to a hundred bytes
  }
  await putFiles(folder, {
    'a.epub': epub({ 'a.xhtml': xhtml('x') }, { 'OEBPS/bomb.bin': zeros }),
    'b.docx': docx(paragraph('x'), { 'word/styles.xml': zeros }),
    'c.epub': epub({ 'a.xhtml': laughs }),
    'd.docx': docx(paragraph('x'), { 'word/settings.xml': laughs }),
    'e.epub': zip(many),
    'f.epub': zip({ '../../escape.txt': 'x', 'META-INF/container.xml': container }),
    'g.epub': lying,
    'h.epub': epub({ '../../../../etc/hostname.xhtml': xhtml('x') }).slice(0, 400),
    'i.txt': 'fine',
  })
  const { documents, failures } = await readFiles(folder)
  expect(documents.map(({ text }) => text)).toEqual(['fine'])
  const reasons = failures.map(({ path: name, code, reason }) => `${path.basename(name)} ${code}: ${reason}`)
  expect(reasons).toEqual([
    expect.stringMatching(/^a\.epub too-large: .*200 times is the limit/),
    expect.stringMatching(/^b\.docx too-large: .*200 times is the limit/),
    expect.stringMatching(/^c\.epub file-unreadable: .*XML entities/),
    expect.stringMatching(/^d\.docx file-unreadable: .*XML entities/),
    expect.stringMatching(/^e\.epub too-large: .*10000 are the limit/),
    expect.stringMatching(/^f\.epub file-unreadable: .*relative path/),
    expect.stringMatching(/^g\.epub file-unreadable: .*cannot be (?:expanded|read)/),
    expect.stringMatching(/^h\.epub file-unreadable: .*no zip archive/),
  ])
  expect(existsSync(path.join(folder, '../../escape.txt'))).toBe(false)
})

test('what is no such document is said: another archive, an old Word file, an encrypted book', async () => {
  const encryption =
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:CipherData><enc:CipherReference URI="OEBPS/a.xhtml"/></enc:CipherData></enc:EncryptedData></encryption>'
  await putFiles(folder, {
    'a.docx': zip({ 'x.txt': 'x' }),
    'b.docx': Buffer.from('d0cf11e0a1b11ae1', 'hex'),
    'c.epub': zip({ 'x.txt': 'x' }),
    'd.epub': epub({ 'a.xhtml': 'scrambled' }, { 'META-INF/encryption.xml': encryption }),
    'e.epub': '',
    'f.docx': docx(''),
  })
  const { failures, notices } = await readFiles(folder)
  expect(failures.map(({ code }) => code)).toEqual([
    'file-unreadable',
    'file-encrypted',
    'file-unreadable',
    'file-encrypted',
  ])
  expect(notices.map(({ kind }) => kind)).toEqual(['empty', 'empty'])
})
