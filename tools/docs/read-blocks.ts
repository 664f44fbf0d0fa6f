import { fromMarkdown } from 'mdast-util-from-markdown'

/** A fenced block of code with what the comments before it say (CONTRIBUTING.md, "Code in the documentation"). */
export interface Block {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly text: string
  /** What it cannot do without here, so that it is checked instead of run. */
  readonly needs: string | undefined
  /** Code that goes before it. */
  readonly with: string | undefined
  /** It goes on where the block before it of the same language ended. */
  readonly continues: boolean
  /** It is what the block before it prints. */
  readonly prints: boolean
  /** It is a file of that name. */
  readonly file: string | undefined
}

export interface Page {
  readonly blocks: readonly Block[]
  /** Code by name that blocks ask for by `with`; in a comment, since readers know it. */
  readonly preludes: ReadonlyMap<string, string>
}

interface Node {
  readonly type: string
  readonly value?: string | undefined
  readonly lang?: string | null | undefined
  readonly position?: { readonly start: { readonly line: number } } | undefined
  readonly children?: readonly Node[]
}

const known = new Set(['needs', 'with', 'continues', 'prints', 'file'])

/** The blocks of a page in Markdown. Throws on a comment before a block that it does not know. */
export function readBlocks(page: string, markdown: string): Page {
  const blocks: Block[] = []
  const preludes = new Map<string, string>()
  const visit = (node: Node): void => {
    let said = new Map<string, string>()
    for (const child of node.children ?? []) {
      if (child.type === 'html') {
        const comments = [...(child.value ?? '').matchAll(/<!--([\s\S]*?)-->/g)].map(([, text = '']) => text)
        for (const [name, text] of comments.flatMap(preludeIn)) preludes.set(name, text)
        said = new Map([...said, ...comments.flatMap(wordsIn)])
        continue
      }
      if (child.type === 'code') blocks.push(toBlock(page, child, said))
      said = new Map()
      visit(child)
    }
  }
  visit(fromMarkdown(markdown))
  return { blocks, preludes }
}

function preludeIn(comment: string): [string, string][] {
  const [, name, text] = /^\s*prelude:\s*(\S+)\s*\n([\s\S]*)$/.exec(comment) ?? []
  return name && text ? [[name, text.trimEnd()]] : []
}

/** `needs: hub` and the like; other comments are none of ours. */
function wordsIn(comment: string): [string, string][] {
  const [, word = '', value = ''] = /^\s*([a-z]+)(?::\s*([^\n]*?))?\s*$/.exec(comment) ?? []
  return known.has(word) ? [[word, value]] : []
}

function toBlock(page: string, node: Node, said: ReadonlyMap<string, string>): Block {
  return {
    page,
    line: node.position?.start.line ?? 0,
    language: node.lang ?? '',
    text: node.value ?? '',
    needs: said.get('needs'),
    with: said.get('with'),
    continues: said.has('continues'),
    prints: said.has('prints'),
    file: said.get('file'),
  }
}
