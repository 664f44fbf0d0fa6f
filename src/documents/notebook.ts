import { z } from 'zod'
import { messageOf, QontrastError, type Section } from '../shared/index.ts'
import { readTextFile, titleFromName } from './decode.ts'
import { fileDocument } from './file-document.ts'
import { createHeadingTrail } from './heading-trail.ts'
import { parseMarkdown } from './markdown.ts'
import { decodingOf } from './plain-text.ts'
import type { Reader } from './reader.ts'

const source = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(''))])
const cell = z.object({
  cell_type: z.string(),
  source: source.optional(),
  input: source.optional(),
  level: z.number().optional(),
})
const notebook = z.object({
  cells: z.array(cell).optional(),
  worksheets: z.array(z.object({ cells: z.array(cell) })).optional(),
  metadata: z.object({ title: z.string().optional() }).optional(),
})

/** A Jupyter notebook: its Markdown and code cells, a section for each cell and heading; outputs are left out. */
export const readNotebook: Reader = async function* (file, options, report) {
  const { cells, title } = cellsOf(await readTextFile(file.file, decodingOf(options, report)))
  const trail = createHeadingTrail()
  const sections: Section[] = []
  let text = ''
  let above: string | undefined
  for (const { cell_type: kind, source: written, input, level } of cells) {
    const content = (written ?? input ?? '').replace(/\r\n?/g, '\n').trimEnd()
    if (content.trim() === '' || !readable.has(kind)) continue
    const here = kind === 'heading' ? `${'#'.repeat(level ?? 1)} ${content}` : content
    for (const { start, heading } of kind === 'markdown' || kind === 'heading'
      ? await headingsOf(here)
      : [{ start: 0, heading: undefined }]) {
      if (heading) above = trail.enter(heading.depth, heading.title) ?? above
      sections.push({ start: text.length + start, ...(above === undefined ? {} : { heading: above }) })
    }
    text += `${here}\n\n`
  }
  yield* fileDocument(file, { title: title ?? trail.first() ?? titleFromName(file.file), text, sections })
}

const readable = new Set(['markdown', 'code', 'raw', 'heading'])

interface CellSection {
  readonly start: number
  readonly heading: { readonly depth: number; readonly title: string } | undefined
}

/** The headings of a cell; what stands before the first is a section too. */
async function headingsOf(text: string): Promise<CellSection[]> {
  const { headings } = await parseMarkdown(text)
  const found = headings.map(({ start, depth, title }) => ({ start, heading: { depth, title } }))
  return found[0]?.start === 0 ? found : [{ start: 0, heading: undefined }, ...found]
}

function cellsOf(text: string): { cells: readonly z.infer<typeof cell>[]; title: string | undefined } {
  if (text.trim() === '') return { cells: [], title: undefined }
  try {
    const { cells, worksheets = [], metadata } = notebook.parse(JSON.parse(text))
    return { cells: cells ?? worksheets.flatMap((sheet) => sheet.cells), title: metadata?.title?.trim() || undefined }
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause)
    throw new QontrastError('file-unreadable', `it is no Jupyter notebook that can be read: ${reason}`, { cause })
  }
}
