import { type DefaultTreeAdapterMap, defaultTreeAdapter, html, parse, type TreeAdapter } from 'parse5'
import { QontrastError, type Section } from '../shared/index.ts'
import { createHeadingTrail } from './heading-trail.ts'

type Element = DefaultTreeAdapterMap['element']
type Node = DefaultTreeAdapterMap['node']

/** What a reader of a page sees. */
export interface Page {
  readonly title: string | undefined
  readonly firstHeading: string | undefined
  readonly text: string
  readonly sections: readonly Section[]
}

/** A page nested deeper, or of more elements for its length, is refused: parsing takes longer than its square. */
export const deepestNesting = 10_000
const elementsBeyondLength = 100_000
const mostElements = 1_000_000

const namesOf = (names: string) => new Set(names.split(' '))
const unseen = namesOf(
  'script style template noscript nav svg head title iframe noembed noframes video audio canvas datalist select rp rt annotation annotation-xml',
)
const breaking = namesOf(
  'address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu ol optgroup p pre section summary table tbody td tfoot th thead tr ul',
)
const preformatted = namesOf('pre textarea listing xmp plaintext')

/**
 * The readable text of a page, parsed as the HTML standard says: blocks on lines of their own, scripts, styles, navigation and what is hidden
 * left out, a section at each heading.
 */
export function readPage(source: string): Page {
  const { childNodes } = parse(source, { treeAdapter: boundedAdapter(source.length) })
  const page = createPage()
  const stack: Step[] = [{ nodes: childNodes, next: 0 }]
  for (let step = stack.at(-1); step; step = stack.at(-1)) {
    const node = step.nodes[step.next]
    step.next += 1
    if (node === undefined) {
      stack.pop()
      if (step.element) page.leave(step.element)
    } else if (defaultTreeAdapter.isTextNode(node)) {
      page.write(node.value)
    } else if (defaultTreeAdapter.isElementNode(node)) {
      if (isTitle(node)) page.name(textOf(node))
      if (isSeen(node)) {
        page.enter(node)
        stack.push({ nodes: node.childNodes, next: 0, element: node })
      } else if (node.tagName === 'head') {
        for (const child of node.childNodes) if ('tagName' in child && isTitle(child)) page.name(textOf(child))
      }
    }
  }
  return page.finish()
}

interface Step {
  readonly nodes: readonly Node[]
  next: number
  readonly element?: Element
}

function createPage() {
  const trail = createHeadingTrail()
  const sections: Section[] = [{ start: 0 }]
  const parts: string[] = []
  let length = 0
  let last = '\n'
  let title: string | undefined
  let verbatim = 0
  let heading: { readonly start: number; readonly part: number; readonly element: Element } | undefined

  const add = (text: string) => {
    if (text === '') return
    parts.push(text)
    length += text.length
    last = text.at(-1) ?? last
  }
  const breakLine = () => {
    if (last === ' ' && verbatim === 0) {
      parts.push((parts.pop() ?? '').slice(0, -1))
      length -= 1
    }
    if (last !== '\n') add('\n')
  }
  return {
    name(text: string) {
      title ??= text.replace(/\s+/g, ' ').trim() || undefined
    },
    write(text: string) {
      if (verbatim > 0) return add(text)
      const words = text.replace(/[\s\u00a0]+/g, ' ')
      add(/\s/.test(last) ? words.trimStart() : words)
    },
    enter(element: Element) {
      const name = element.tagName
      if (breaking.has(name)) breakLine()
      if (preformatted.has(name)) verbatim += 1
      if (/^h[1-6]$/.test(name)) heading ??= { start: length, part: parts.length, element }
    },
    leave(element: Element) {
      const name = element.tagName
      if (preformatted.has(name)) verbatim -= 1
      if (heading?.element === element) {
        const entered = trail.enter(Number(name[1]), parts.slice(heading.part).join(''))
        if (entered !== undefined) {
          if (heading.start === 0) sections.pop()
          sections.push({ start: heading.start, heading: entered })
        }
        heading = undefined
      }
      if (breaking.has(name)) breakLine()
    },
    finish: (): Page => ({ title, firstHeading: trail.first(), text: parts.join(''), sections }),
  }
}

function isTitle(element: Element): boolean {
  return element.tagName === 'title' && element.namespaceURI === html.NS.HTML
}

function isSeen(element: Element): boolean {
  if (unseen.has(element.tagName)) return false
  const attribute = (name: string) => element.attrs.find((one) => one.name === name)?.value
  const hidden = attribute('hidden')
  if (hidden !== undefined && hidden.toLowerCase() !== 'until-found') return false
  if (element.tagName === 'dialog' && attribute('open') === undefined) return false
  if (/(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b/i.test(attribute('style') ?? '')) return false
  return !(attribute('href')?.startsWith('#') && /^[\s#¶§↑🔗]*$/u.test(textOf(element))) // a heading's link to itself
}

function textOf(element: Element): string {
  return element.childNodes.map((node) => (defaultTreeAdapter.isTextNode(node) ? node.value : '')).join('')
}

/** A tree that grows neither deeper nor much larger than its source. */
function boundedAdapter(length: number): TreeAdapter<DefaultTreeAdapterMap> {
  const depths = new WeakMap<object, number>()
  let elements = 0
  const settle = (parent: object, node: object) => {
    const depth = (depths.get(parent) ?? 0) + 1
    if (depth > deepestNesting) throw tooLarge(`its elements are nested more than ${deepestNesting} deep.`)
    depths.set(node, depth)
  }
  return {
    ...defaultTreeAdapter,
    createElement(...args) {
      elements += 1
      if (elements > length + elementsBeyondLength)
        throw tooLarge('its open tags multiply to more elements than it has characters.')
      if (elements > mostElements) throw tooLarge(`it has more than ${mostElements} elements.`)
      return defaultTreeAdapter.createElement(...args)
    },
    appendChild(parent, node) {
      settle(parent, node)
      defaultTreeAdapter.appendChild(parent, node)
    },
    insertBefore(parent, node, before) {
      settle(parent, node)
      defaultTreeAdapter.insertBefore(parent, node, before)
    },
  }
}

function tooLarge(reason: string): QontrastError {
  return new QontrastError('file-unreadable', `${reason} Leave it out, or save it as plain text.`)
}
