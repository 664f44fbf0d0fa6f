import path from 'node:path'
import type { Section } from '../shared/index.ts'
import { type DecodeOptions, readTextFile, titleFromName } from './decode.ts'
import { fileDocument } from './file-document.ts'
import { createHeadingTrail } from './heading-trail.ts'
import { type OutlineFormat, outline } from './outline.ts'
import type { Reader, ReaderReport, ReadOptions } from './reader.ts'

/** A text file as it is. */
export const readPlainText: Reader = async function* (source, options, report) {
  const text = await readTextFile(source.file, decodingOf(options, report))
  yield* fileDocument(source, { title: titleFromName(source.file), text, sections: [{ start: 0, line: 1 }] })
}

/** Source code as it is, named by its file. */
export const readSource: Reader = async function* (source, options, report) {
  const text = await readTextFile(source.file, decodingOf(options, report))
  yield* fileDocument(source, { title: path.basename(source.file), text, sections: [{ start: 0, line: 1 }] })
}

/** A text as it is, with a section at each of the headings that simple rules find. */
export function readOutlined(format: OutlineFormat): Reader {
  return async function* (source, options, report) {
    const text = await readTextFile(source.file, decodingOf(options, report))
    const trail = createHeadingTrail()
    const { title, headings } = outline(text, format)
    const sections = headings.flatMap(({ depth, title: words, start, line }): Section[] => {
      const heading = trail.enter(depth, words)
      return heading === undefined ? [] : [{ start, line, heading }]
    })
    if (sections[0]?.start !== 0) sections.unshift({ start: 0, line: 1 })
    yield* fileDocument(source, { title: title ?? trail.first() ?? titleFromName(source.file), text, sections })
  }
}

/** How a reader decodes, and whom it tells. */
export function decodingOf({ encoding }: ReadOptions, { encoding: onEncoding }: ReaderReport): DecodeOptions {
  return { encoding, onEncoding }
}
