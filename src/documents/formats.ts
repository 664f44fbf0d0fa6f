import path from 'node:path'
import { readCsv, readTsv } from './csv.ts'
import { readDocx } from './docx.ts'
import { readEpub } from './epub.ts'
import { readHtml } from './html.ts'
import { readJsonLines } from './json-lines.ts'
import { readMarkdown } from './markdown.ts'
import { readNotebook } from './notebook.ts'
import { readPdf } from './pdf.ts'
import { readOutlined, readPlainText, readSource } from './plain-text.ts'
import type { Reader } from './reader.ts'

const formats: Readonly<Record<string, Reader>> = {
  '.txt .text': readPlainText,
  '.md .markdown .mdown .mkd .mdx': readMarkdown,
  '.html .htm .xhtml': readHtml,
  '.pdf': readPdf,
  '.docx': readDocx,
  '.epub': readEpub,
  '.ipynb': readNotebook,
  '.rst': readOutlined('rst'),
  '.adoc .asciidoc': readOutlined('asciidoc'),
  '.org': readOutlined('org'),
  '.jsonl .ndjson': readJsonLines,
  '.csv': readCsv,
  '.tsv': readTsv,
  // source code
  '.js .jsx .mjs .cjs .ts .tsx .mts .cts .vue .svelte': readSource,
  '.py .pyi .rb .php .pl .pm .lua .r .jl': readSource,
  '.go .rs .zig .nim .c .h .cc .cpp .cxx .hh .hpp .m .mm .swift .cs .fs': readSource,
  '.java .kt .kts .scala .groovy .clj .dart': readSource,
  '.hs .ml .mli .ex .exs .erl .elm': readSource,
  '.sh .bash .zsh .fish .ps1 .sql .graphql .proto .tf .yaml .yml .toml': readSource,
}

const readers: ReadonlyMap<string, Reader> = new Map(
  Object.entries(formats).flatMap(([extensions, reader]) => extensions.split(' ').map((one) => [one, reader] as const)),
)

/** Extensions of the files that folders give. */
export const readableExtensions: readonly string[] = [...readers.keys()]

/** True for a file that a folder gives. */
export function isReadable(file: string): boolean {
  return readers.has(extensionOf(file))
}

/** How a file is read: as its extension says, else as plain text. */
export function readerOf(file: string): Reader {
  return readers.get(extensionOf(file)) ?? readSource
}

function extensionOf(file: string): string {
  return path.extname(file).toLowerCase()
}
