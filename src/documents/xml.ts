import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes'
import { messageOf, QontrastError } from '../shared/index.ts'

/** An element of an XML file as it ends: its local name, its attributes by local name, and the text in it. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
}

/** The elements of an XML file in the order of their ends. `file-unreadable` where it is not well formed. */
export function xmlElements(source: string): readonly XmlElement[] {
  const elements: XmlElement[] = []
  const open: { tag: SaxesTagNS; text: string }[] = []
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', (tag) => open.push({ tag, text: '' }))
  parser.on('text', (text) => {
    const last = open.at(-1)
    if (last) last.text += text
  })
  parser.on('closetag', () => {
    const ended = open.pop()
    if (ended) elements.push({ name: ended.tag.local, attributes: byLocalName(ended.tag.attributes), text: ended.text })
  })
  try {
    parser.write(source).close()
  } catch (cause) {
    throw new QontrastError('file-unreadable', `an XML file in it is not well formed: ${messageOf(cause)}`, { cause })
  }
  return elements
}

function byLocalName(attributes: Readonly<Record<string, SaxesAttributeNS>>): Record<string, string> {
  return Object.fromEntries(Object.values(attributes).map(({ local, value }) => [local, value]))
}
