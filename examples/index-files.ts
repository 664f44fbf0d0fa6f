/** Index the Markdown files of this repository and ask about them; hits say the file, the line and the heading. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { loadEncoder, openIndex, readDocuments } from 'qontrast'

const encoder = await loadEncoder()
const index = await openIndex({
  name: 'docs',
  encoder,
  path: await mkdtemp(path.join(tmpdir(), 'qontrast-example-')),
})
await index.add(readDocuments(['README.md', 'docs/**/*.md']), { chunk: { tokens: 200, overlap: 20 } })

for (const hit of await index.search('why is LanceDB bundled', { limit: 3 })) {
  console.log(`${hit.payload['path']}:${hit.line}  ${hit.heading}`)
}

await index.close()
await encoder.close()
