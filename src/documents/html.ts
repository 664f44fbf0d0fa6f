import { Parser } from 'htmlparser2'
import type { Section } from '../shared/index.ts'
import { readTextFile, titleFromName } from './decode.ts'
import { createHeadingTrail } from './heading-trail.ts'
import type { Reader } from './reader.ts'

const skipped = new Set(['script', 'style', 'template', 'noscript', 'nav', 'svg', 'head'])
const breaking = new Set(
  'address article aside blockquote br dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table td th tr ul'.split(
    ' ',
  ),
)

/** The readable text of a page: blocks on lines of their own, scripts, styles and navigation left out, a section at each heading. */
export const readHtml: Reader = async function* ({ file, id, place }) {
  const { title, text, sections } = extract(await readTextFile(file))
  yield { id, title: title ?? titleFromName(file), text, payload: place, sections }
}

function extract(html: string): { title: string | undefined; text: string; sections: Section[] } {
  const sections: Section[] = [{ start: 0 }]
  const trail = createHeadingTrail()
  let text = ''
  let title: string | undefined
  let skip = 0
  let preformatted = 0
  let inTitle = false
  let heading: { start: number; depth: number } | undefined

  const parser = new Parser({
    onopentag(name) {
      if (name === 'title' && title === undefined) {
        inTitle = true
        title = ''
      }
      if (skipped.has(name)) skip += 1
      if (name === 'pre') preformatted += 1
      if (breaking.has(name) && text !== '' && !text.endsWith('\n')) text += '\n'
      if (/^h[1-6]$/.test(name) && skip === 0) heading = { start: text.length, depth: Number(name[1]) }
    },
    ontext(data) {
      if (inTitle) title += data
      if (skip > 0 || inTitle) return
      const words = preformatted > 0 ? data : data.replace(/\s+/g, ' ')
      text += preformatted === 0 && (/\s$/.test(text) || text === '') ? words.trimStart() : words
    },
    onclosetag(name) {
      if (name === 'title') inTitle = false
      if (skipped.has(name)) skip = Math.max(0, skip - 1)
      if (name === 'pre') preformatted = Math.max(0, preformatted - 1)
      if (heading && name === `h${heading.depth}`) {
        const entered = trail.enter(heading.depth, text.slice(heading.start))
        if (entered !== undefined) sections.push({ start: heading.start, heading: entered })
        heading = undefined
      }
      if (breaking.has(name) && text !== '' && !text.endsWith('\n')) text += '\n'
    },
  })
  parser.end(html)
  return { title: title?.replace(/\s+/g, ' ').trim() || trail.first(), text, sections }
}
