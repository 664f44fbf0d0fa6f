import { open } from 'node:fs/promises'
import { messageOf, QontrastError } from '../shared/index.ts'
import { type Archive, openArchive } from './archive.ts'
import { readWhole, titleFromName } from './decode.ts'
import { fileDocument } from './file-document.ts'
import { readPage } from './html-page.ts'
import { importOptional } from './optional.ts'
import type { Reader } from './reader.ts'
import { xmlElements } from './xml.ts'

/** The library keeps a tree of the XML, which takes many times its length. */
const mostXml = 32 * 1024 * 1024

/** A Word document with a section at each heading; read by `mammoth`, an optional peer. */
export const readDocx: Reader = async function* (source) {
  if (source.bytes === 0) return
  await refuseCompound(source.file)
  const bytes = await readWhole(source.file)
  const title = await checked(source.file)
  const { default: mammoth } = await importOptional('mammoth', 'Word documents (.docx)', () => import('mammoth'))
  const { value } = await mammoth
    .convertToHtml(
      { buffer: bytes },
      {
        styleMap: ["p[style-name='Title'] => h1:fresh"],
        convertImage: mammoth.images.imgElement(async () => ({ src: '' })),
      },
    )
    .catch((cause: unknown) => {
      throw new QontrastError('file-unreadable', `it is no Word document that can be read: ${messageOf(cause)}`, {
        cause,
      })
    })
  const { firstHeading, text, sections } = readPage(value)
  yield* fileDocument(source, { title: title ?? firstHeading ?? titleFromName(source.file), text, sections })
}

/** Expands every XML part within the limits before the library does, and gives the title of the document's properties. */
async function checked(file: string): Promise<string | undefined> {
  await using archive: Archive = await openArchive(file, mostXml)
  if (!archive.names.some((name) => /^\/?word\/document\d*\.xml$/i.test(name))) {
    throw new QontrastError('file-unreadable', 'it is no Word document: word/document.xml is not in it.')
  }
  let title: string | undefined
  for (const name of archive.names.filter((one) => /\.(?:xml|rels)$/i.test(one))) {
    const xml = (await archive.readXml(name)) ?? ''
    if (name === 'docProps/core.xml')
      title = xmlElements(xml)
        .find((element) => element.name === 'title')
        ?.text.trim()
  }
  return title || undefined
}

/** Old Word files and those with a password are of another container. */
async function refuseCompound(file: string): Promise<void> {
  await using handle = await open(file)
  const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0)
  if (buffer.toString('hex') === 'd0cf11e0') {
    throw new QontrastError('file-encrypted', 'it has a password, or is an old .doc. Save it as .docx without one.')
  }
}
