import { TextDecoder } from '@exodus/bytes/encoding.js'
import sniffHtmlEncoding from 'html-encoding-sniffer'
import { decodeAs, decodeText, readWhole, titleFromName } from './decode.ts'
import { scanUtf8 } from './encoding/scan-utf8.ts'
import { fileDocument } from './file-document.ts'
import { readPage } from './html-page.ts'
import { decodingOf } from './plain-text.ts'
import type { Reader } from './reader.ts'

/** The readable text of a page, with a section at each heading. */
export const readHtml: Reader = async function* (source, options, report) {
  const bytes = await readWhole(source.file)
  const declared = declaredEncoding(bytes)
  const html = declared === undefined ? await decodeText(bytes, decodingOf(options, report)) : decodeAs(bytes, declared)
  if (declared !== undefined && declared !== 'utf-8' && bytes.some((byte) => byte > 0x7f)) report.encoding(declared)
  const { title, firstHeading, text, sections } = readPage(html)
  yield* fileDocument(source, { title: title ?? firstHeading ?? titleFromName(source.file), text, sections })
}

/** By a byte order mark, else by `<meta charset>`, as the HTML standard finds it; pages of UTF-8 that say Latin-1 are UTF-8. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const label = sniffHtmlEncoding(bytes, { defaultEncoding: '', maxPrescanBytes: 65_536 })
  if (label === '') return undefined
  const { encoding } = new TextDecoder(label)
  if (encoding !== 'windows-1252') return encoding
  const { broken, multibyte } = scanUtf8(bytes, true)
  return broken === 0 && multibyte > 0 ? 'utf-8' : encoding
}
