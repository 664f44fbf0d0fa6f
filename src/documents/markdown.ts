import type { Heading, Nodes, RootContent } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { isError, type JsonObject, type Section } from '../shared/index.ts'
import { readTextFile, titleFromName } from './decode.ts'
import { fileDocument } from './file-document.ts'
import { frontMatterPayload, readFrontMatter } from './front-matter.ts'
import { createHeadingTrail } from './heading-trail.ts'
import { readPage } from './html-page.ts'
import { type HeadingLine, outline } from './outline.ts'
import type { Reader } from './reader.ts'

/**
 * A Markdown file with a section at each heading. Its front matter becomes payload; the title is the front matter's, the first heading, or
 * the file's name.
 */
export const readMarkdown: Reader = async function* (source, options, report) {
  const text = await readTextFile(source.file, { encoding: options.encoding, onEncoding: report.encoding })
  const { title, sections, body, payload } = await parseMarkdown(text, /\.mdx$/i.test(source.file))
  yield* fileDocument(source, { title: title ?? titleFromName(source.file), text: body, sections, payload })
}

export interface Markdown {
  readonly title: string | undefined
  readonly body: string
  readonly sections: readonly Section[]
  readonly payload: JsonObject
  readonly headings: readonly HeadingLine[]
}

/** Longer texts are searched for lines that look like headings: the tree of one takes a hundred times its length. */
const longestParsed = 2_000_000

/** Markdown without its front matter, with its headings. A file of front matter alone stays as it is. */
export async function parseMarkdown(text: string, mdx = false): Promise<Markdown> {
  const matter = await readFrontMatter(text)
  const length = text.slice(matter.length).trim() === '' ? 0 : matter.length
  const body = text.slice(length)
  const before = lineFeeds(text.slice(0, length))
  const trail = createHeadingTrail()
  const sections: Section[] = [{ start: 0, line: before + 1 }]
  const headings = headingsOf(mdx ? withoutModules(body) : body, mdx)
  for (const { depth, title, start, line } of headings) {
    const heading = trail.enter(depth, title)
    if (heading === undefined) continue
    if (start === 0) sections.pop()
    sections.push({ start, line: before + line, heading })
  }
  const { title } = matter.fields
  const named = typeof title === 'string' || typeof title === 'number' ? String(title).trim() : ''
  return { title: named || trail.first(), body, sections, payload: frontMatterPayload(matter.fields), headings }
}

function headingsOf(body: string, mdx: boolean): readonly HeadingLine[] {
  if (body.length > longestParsed) return outline(body, 'markdown').headings
  try {
    return fromMarkdown(body).children.flatMap((node) => headingOf(node, body, mdx))
  } catch (error) {
    if (isError(error) && error.name === 'RangeError') return outline(body, 'markdown').headings // too deep for the parser's stack
    throw error
  }
}

function headingOf(node: RootContent, body: string, mdx: boolean): HeadingLine[] {
  if (!node.position) return []
  const { offset: start = 0, line } = node.position.start
  if (node.type === 'heading') {
    const source = body.slice(start, node.position.end.offset)
    const plain = withoutComponents(source, mdx)
    const [again] = plain === source ? [node] : fromMarkdown(plain).children
    return [{ depth: node.depth, title: again?.type === 'heading' ? titleOf(again) : '', start, line }]
  }
  if (node.type !== 'html') return []
  const [, depth, inner = ''] =
    /^\s*(?:<(?:div|p|center|a)\b[^>]*>\s*)*<h([1-6])\b[^>]*>([\s\S]*?)<\/h\1>/i.exec(node.value) ?? []
  return depth ? [{ depth: Number(depth), title: readPage(inner).text, start, line }] : []
}

/** JSX tags with expressions, which Markdown ends at the first `>`; in MDX, expressions too. */
function withoutComponents(heading: string, mdx: boolean): string {
  const plain = heading.replace(/<[A-Za-z][\w.:-]*(?=[^<]*=\{)(?:[^<>{}]|\{[^{}]*\})*\/?>/g, ' ')
  return mdx ? plain.replace(/(?<!`[^`]*)\{(?!#)[^{}`]*\}/g, ' ') : plain
}

/** MDX without its imports and exports; offsets and lines stay. */
function withoutModules(body: string): string {
  return body.replace(/^(?:import|export)\s(?:.+(?:\r?\n|$))+/gm, (lines) => lines.replace(/[^\r\n]/g, ' '))
}

/** The words of a heading: without its anchor, tags and pictures; of pictures alone, what they show. */
function titleOf(heading: Heading): string {
  const words = clean(plainText(heading, false))
  return words === '' ? clean(plainText(heading, true)) : words
}

function plainText(node: Nodes, pictures: boolean): string {
  if (node.type === 'html') return ''
  if (node.type === 'image' || node.type === 'imageReference') return pictures ? (node.alt ?? '') : ''
  if ('value' in node) return node.value
  if (node.type === 'break') return ' '
  return 'children' in node ? node.children.map((child: Nodes) => plainText(child, pictures)).join('') : ''
}

/** Without `{#anchor}`, `{.class}`, JSX tags, and expressions in braces at the end. */
function clean(words: string): string {
  return words
    .replace(/<\/?[A-Za-z][\w.:-]*(?:\s(?:[^<>{}"']|"[^"]*"|'[^']*'|\{[^{}]*\})*)?\/?>/g, ' ')
    .replace(/(?:\s*\\?\{(?:[#.:/*]|[\w-]+=)[^{}]*\})+\s*$/, '')
    .replace(/\s+/g, ' ')
    .trim()
}

function lineFeeds(text: string): number {
  return text.split('\n').length - 1
}
