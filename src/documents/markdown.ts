import { fromMarkdown } from 'mdast-util-from-markdown'
import { toString as plainTextOf } from 'mdast-util-to-string'
import type { Section } from '../shared/index.ts'
import { readTextFile, titleFromName } from './decode.ts'
import { createHeadingTrail } from './heading-trail.ts'
import type { Reader } from './reader.ts'

const frontMatter = /^---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/

/** A Markdown file as it is, with a section at each heading; the title is the front matter's, the first heading, or the file's name. */
export const readMarkdown: Reader = async function* ({ file, id, place }) {
  const text = await readTextFile(file)
  const [matter = '', fields = ''] = frontMatter.exec(text) ?? []
  const sections: Section[] = [{ start: 0, line: 1 }]
  const trail = createHeadingTrail()
  for (const node of fromMarkdown(blank(matter) + text.slice(matter.length)).children) {
    if (node.type !== 'heading' || !node.position) continue
    const { offset = 0, line } = node.position.start
    const heading = trail.enter(node.depth, plainTextOf(node))
    if (heading !== undefined) sections.push({ start: offset, line, heading })
  }
  const title = /^title:\s*["']?(.+?)["']?\s*$/m.exec(fields)?.[1] ?? trail.first() ?? titleFromName(file)
  yield { id, title, text, payload: place, sections }
}

/** Keeps offsets and lines: everything but line breaks becomes a space. */
function blank(text: string): string {
  return text.replace(/[^\r\n]/g, ' ')
}
