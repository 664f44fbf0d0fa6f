import path from 'node:path'
import { QontrastError, type Section } from '../shared/index.ts'
import { type Archive, openArchive } from './archive.ts'
import { titleFromName } from './decode.ts'
import { fileDocument } from './file-document.ts'
import { readPage } from './html-page.ts'
import type { Reader } from './reader.ts'
import { xmlElements } from './xml.ts'

/** An EPUB in the order of its chapters, with a section at each chapter and heading. */
export const readEpub: Reader = async function* (source, _, report) {
  if (source.bytes === 0) return
  await using archive = await openArchive(source.file)
  const { title, chapters } = await contentsOf(archive)
  const sections: Section[] = []
  let text = ''
  let firstHeading: string | undefined
  for (const [i, name] of chapters.entries()) {
    const xhtml = await archive.readXml(name)
    if (xhtml === undefined) {
      report.fail(i + 1, `its chapter '${name}' is not in it.`)
      continue
    }
    const page = readPage(withoutShortTags(xhtml))
    if (page.text.trim() === '') continue
    firstHeading ??= page.firstHeading
    for (const { start, heading } of page.sections) {
      sections.push({ start: text.length + start, ...(heading === undefined ? {} : { heading }) })
    }
    text += `${page.text.trimEnd()}\n\n`
  }
  yield* fileDocument(source, { title: title ?? firstHeading ?? titleFromName(source.file), text, sections })
}

/** The title and the chapters, as the package file of the book says. */
async function contentsOf(archive: Archive): Promise<{ title: string | undefined; chapters: readonly string[] }> {
  const container = await archive.readXml('META-INF/container.xml')
  const packageFile = xmlElements(container ?? '<none/>').find(({ name }) => name === 'rootfile')?.attributes[
    'full-path'
  ]
  const written = packageFile === undefined ? undefined : await archive.readXml(packageFile)
  if (packageFile === undefined || written === undefined) {
    throw new QontrastError('file-unreadable', 'it is no EPUB: META-INF/container.xml names no package file in it.')
  }
  const elements = xmlElements(written)
  const items = new Map(
    elements.filter(({ name }) => name === 'item').map(({ attributes }) => [attributes['id'], attributes]),
  )
  const chapters = elements.flatMap(({ name, attributes: { idref } }) => {
    const item = name === 'itemref' ? items.get(idref) : undefined
    const href = item?.['href']
    if (href === undefined || !/html/.test(item?.['media-type'] ?? '')) return []
    return [path.posix.join(path.posix.dirname(packageFile), decoded(href.replace(/#.*$/, '')))]
  })
  if (chapters.length === 0)
    throw new QontrastError('file-unreadable', 'it is no EPUB that can be read: it lists no chapters.')
  await refuseEncrypted(archive, chapters)
  return {
    title:
      elements
        .find(({ name }) => name === 'title')
        ?.text.replace(/\s+/g, ' ')
        .trim() || undefined,
    chapters,
  }
}

/** Fonts may be encrypted, chapters not. */
async function refuseEncrypted(archive: Archive, chapters: readonly string[]): Promise<void> {
  const encryption = await archive.readXml('META-INF/encryption.xml')
  if (encryption === undefined) return
  const references = xmlElements(encryption).flatMap(({ attributes: { URI } }) =>
    URI === undefined ? [] : [decoded(URI)],
  )
  if (references.some((reference) => chapters.includes(reference))) {
    throw new QontrastError('file-encrypted', 'its chapters are encrypted (DRM). Leave it out, or get a copy without.')
  }
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href)
  } catch {
    return href
  }
}

const voidElements = /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/i

/** XHTML may end any element with `/>`, which HTML takes for an opening tag. */
function withoutShortTags(xhtml: string): string {
  return xhtml.replace(
    /<([A-Za-z][\w:-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*\/>/g,
    (tag: string, name: string, attributes: string) =>
      voidElements.test(name) ? tag : `<${name}${attributes}></${name}>`,
  )
}
