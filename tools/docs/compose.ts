import type { Block, Page } from './read-blocks.ts'

/** A block of TypeScript as a module that runs: its prelude, the blocks that it continues, then itself, each in the scope of the one before. */
export function composeModule(block: Block, page: Page): string {
  const parts = chainOf(block, page).map(splitImports)
  const imports = mergeImports(parts.flatMap(({ imports }) => imports))
  const bodies = parts.map(({ body }) => body)
  const last = bodies.pop() ?? ''
  if (/^export /m.test(last)) return [...imports, ...bodies, last].join('\n')
  const nested = [...bodies, last].reduceRight((inner, body) => `${body}\n${inner === '' ? '' : `{\n${inner}\n}`}`, '')
  return `${imports.join('\n')}\n${nested}\nexport {}\n`
}

/** What goes before it, and it, in order. */
function chainOf(block: Block, page: Page): string[] {
  const at = page.blocks.indexOf(block)
  const before = page.blocks.slice(0, at).findLast(({ language }) => language === block.language)
  if (block.continues && !before) throw new Error(`${block.page}:${block.line} continues a block that is not there`)
  const earlier = block.continues && before ? chainOf(before, page) : []
  if (block.with === undefined) return [...earlier, block.text]
  const prelude = page.preludes.get(block.with)
  if (prelude === undefined)
    throw new Error(`${block.page}:${block.line} wants the prelude '${block.with}', which the page has not`)
  return [...earlier, prelude, block.text]
}

function splitImports(text: string): { imports: string[]; body: string } {
  const pattern = /^import\s[\s\S]*?from\s+['"][^'"]+['"].*$\n?|^import\s+['"][^'"]+['"].*$\n?/gm
  return { imports: text.match(pattern) ?? [], body: text.replace(pattern, '') }
}

/** One statement for each name of a module, whichever blocks import it. */
function mergeImports(statements: readonly string[]): string[] {
  const lines = statements.flatMap((statement) => {
    const [, type = '', names, from] =
      /^import\s+(type\s+)?\{([\s\S]*)\}\s*from\s+['"]([^'"]+)['"]/.exec(statement) ?? []
    if (names === undefined) return [statement.trim()]
    return names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => `import { ${type && !name.startsWith('type ') ? 'type ' : ''}${name} } from '${from}'`)
  })
  return [...new Set(lines)]
}
