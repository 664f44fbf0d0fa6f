import { isError, messageOf, QontrastError, type Section } from '../shared/index.ts'
import { readWhole, titleFromName } from './decode.ts'
import { fileDocument } from './file-document.ts'
import type { Reader } from './reader.ts'

const largestPdf = 256 * 1024 * 1024

/** The text of a PDF with a section for each page. `file-encrypted` and `file-unreadable` say why there is none. */
export const readPdf: Reader = async function* (source) {
  const bytes = await readWhole(source.file, largestPdf)
  if (bytes.length === 0) return
  const { pages, title } = await readPages(bytes)
  const sections: Section[] = []
  let text = ''
  for (const [i, page] of pages.entries()) {
    sections.push({ start: text.length, page: i + 1 })
    text += `${page}\n\n`
  }
  if (text.trim() === '') {
    const reason = `none of its ${pages.length} pages holds text: it may be scanned. Run it through OCR first (ocrmypdf adds a text layer).`
    throw new QontrastError('file-unreadable', reason)
  }
  yield* fileDocument(source, { title: title ?? titleFromName(source.file), text, sections })
}

async function readPages(bytes: Uint8Array): Promise<{ pages: string[]; title: string | undefined }> {
  const { extractText, getDocumentProxy, getMeta } = await import('unpdf')
  try {
    const pdf = await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 })
    try {
      const { text } = await extractText(pdf, { mergePages: false })
      const { info } = await getMeta(pdf)
      const title: unknown = info['Title']
      return { pages: text, title: typeof title === 'string' && title.trim() !== '' ? title.trim() : undefined }
    } finally {
      await pdf.destroy?.()
    }
  } catch (cause) {
    if (isError(cause) && cause.name === 'PasswordException') {
      throw new QontrastError('file-encrypted', 'it needs a password. Save it without one, or leave it out.', { cause })
    }
    throw new QontrastError('file-unreadable', `it is no PDF that can be read: ${messageOf(cause)}`, { cause })
  }
}
