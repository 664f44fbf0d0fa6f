/** A heading, and where it stands: offset in the text, and line counted from 1. */
export interface HeadingLine {
  readonly depth: number
  readonly title: string
  readonly start: number
  readonly line: number
}

export interface Outline {
  readonly title: string | undefined
  readonly headings: readonly HeadingLine[]
}

/** How the headings of a plain-text format are written. */
interface Rules {
  /** A line that opens a block in which nothing is a heading, and the one that closes it again. */
  readonly block: (line: string) => ((line: string) => boolean) | undefined
  /** The heading that begins in a line, and how many lines it takes. */
  readonly heading: (lines: readonly string[], at: number, levels: Levels) => Found | undefined
  /** A line that names the document. */
  readonly title?: RegExp
}

interface Found {
  readonly depth: number
  readonly title: string
  readonly lines: number
}

/** Depths of styles that a text gives no number, by the order in which they come. */
type Levels = Map<string, number>

export type OutlineFormat = 'markdown' | 'rst' | 'asciidoc' | 'org'

/** Finds headings by simple rules, for formats of which no parser is kept up, or none that is small. */
export function outline(text: string, format: OutlineFormat): Outline {
  const { block, heading, title: titleLine } = formats[format]
  const lines = text.split('\n')
  const clean = lines.map((line) => line.replace(/\r$/, ''))
  const levels: Levels = new Map()
  const headings: HeadingLine[] = []
  let title: string | undefined
  let closes: ((line: string) => boolean) | undefined
  let start = 0
  let skip = 0
  for (const [i, line] of clean.entries()) {
    const here = start
    start += (lines[i]?.length ?? 0) + 1
    if (skip > 0) {
      skip -= 1
      continue
    }
    if (closes) {
      if (closes(line)) closes = undefined
      continue
    }
    title ??= titleLine?.exec(line)?.[1]?.trim()
    const found = heading(clean, i, levels)
    if (found) {
      headings.push({ depth: found.depth, title: found.title, start: here, line: i + 1 })
      skip = found.lines - 1
    } else {
      closes = block(line)
    }
  }
  return { title, headings }
}

const formats: Readonly<Record<OutlineFormat, Rules>> = {
  markdown: {
    block: (line) => {
      const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
      return fence === undefined ? undefined : (other) => other.trim().startsWith(fence) && /^[`~]+$/.test(other.trim())
    },
    heading: (lines, at) => {
      const [, marks, title] = /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/.exec(lines[at] ?? '') ?? []
      return marks === undefined ? undefined : { depth: marks.length, title: title ?? '', lines: 1 }
    },
  },
  rst: { block: () => undefined, heading: underlined },
  asciidoc: {
    // listings, literals, passthroughs, comments, fenced code
    block: (line) => (/^(?:-{4,}|\.{4,}|\+{4,}|\/{4,}|`{3}\S*)$/.test(line.trimEnd()) ? closedBy(line) : undefined),
    heading: (lines, at) => {
      const [, marks, title] = /^(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$/.exec(lines[at] ?? '') ?? []
      if (marks === undefined || title === undefined) return undefined
      return { depth: marks.length, title: title.replace(/\[\[.*?\]\]|\{\S+\}/g, ''), lines: 1 }
    },
  },
  org: {
    title: /^#\+title:[ \t]*(\S.*)$/i,
    block: (line) => {
      const name = /^[ \t]*#\+begin_(\w+)/i.exec(line)?.[1]?.toLowerCase()
      return name === undefined ? undefined : (other) => other.trim().toLowerCase() === `#+end_${name}`
    },
    heading: (lines, at) => {
      const [, stars, words] = /^(\*+)[ \t]+(\S.*)$/.exec(lines[at] ?? '') ?? []
      if (stars === undefined || words === undefined) return undefined
      const title = words
        .replace(/^(?:TODO|DONE|NEXT|WAITING|CANCELLED)[ \t]+/, '')
        .replace(/^\[#\w\][ \t]+/, '')
        .replace(/[ \t]+:[\w@#%:]+:[ \t]*$/u, '')
        .replace(/\[\[[^\]]*\]\[([^\]]*)\]\]/g, '$1')
      return { depth: stars.length, title, lines: 1 }
    },
  },
}

function closedBy(opening: string): (line: string) => boolean {
  const fence = opening.trimEnd().startsWith('```') ? '```' : opening.trimEnd()
  return (line) => line.trimEnd() === fence
}

const adornment = /^([!-/:-@[-`{-~])\1+[ \t]*$/

/** reStructuredText: a line underlined, or between two lines, of one punctuation mark; depths by order of appearance. */
function underlined(lines: readonly string[], at: number, levels: Levels): Found | undefined {
  const [first = '', second = '', third = ''] = lines.slice(at, at + 3)
  const before = at === 0 ? '' : (lines[at - 1] ?? '')
  if (before.trim() !== '' && !adornment.test(before)) return undefined
  const framed = adornment.test(first) && second.trim() !== '' && third.trimEnd() === first.trimEnd()
  const [title, line] = framed ? [second, third] : [first, second]
  const mark = adornment.exec(line)?.[1]
  if (mark === undefined || title.trim() === '' || (!framed && (adornment.test(title) || /^\s/.test(title))))
    return undefined
  if (line.trimEnd().length < Math.min(4, title.trim().length) || line.trimEnd().length < widthOf(title.trim()) / 2)
    return undefined
  const style = framed ? `${mark}${mark}` : mark
  const depth = levels.get(style) ?? levels.size + 1
  levels.set(style, depth)
  return { depth, title: rstWords(title), lines: framed ? 3 : 2 }
}

function widthOf(text: string): number {
  return [...text].length
}

/** Roles and links as the words that readers see. */
function rstWords(title: string): string {
  return title
    .replace(/:[\w:+.-]+:`([^`<]*?)(?:\s*<[^`>]*>)?`/g, '$1')
    .replace(/`([^`<]*?)\s*<[^`>]*>`_{1,2}/g, '$1')
    .replace(/``?([^`]*)``?_{0,2}/g, '$1')
    .replace(/(\*{1,2})(\S(?:.*?\S)?)\1/g, '$2')
    .replace(/\\(.)/g, '$1')
}
