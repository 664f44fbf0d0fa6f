import { beforeEach, expect, test } from 'vitest'
import { parseMarkdown } from '../../src/documents/markdown.ts'
import { headings, putFiles, readFiles } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})

test('front matter becomes payload, typed, and leaves the text', async () => {
  await putFiles(folder, {
    'yaml.md': `---
title: "The: guide"
date: 2024-01-05
updated: 2024-01-05 10:00:00 +0200
draft: false
weight: 3
serial: 12345678901234567890
tags: [a, b]
author: { name: Ann }
path: elsewhere
none: null
---
# Start

Text.
`,
    'toml.md': '+++\ntitle = "TOML"\ndate = 2024-01-05T10:00:00Z\nyear = 2024\n[menu]\nname = "x"\n+++\n\nBody.\n',
  })
  const { documents, failures } = await readFiles(folder)
  expect(failures).toEqual([])
  const [toml, yaml] = documents
  expect(toml).toMatchObject({
    title: 'TOML',
    text: '\nBody.\n',
    payload: { date: '2024-01-05T10:00:00.000Z', year: 2024, menu: { name: 'x' }, path: 'toml.md' },
  })
  expect(yaml).toMatchObject({ title: 'The: guide', text: '# Start\n\nText.\n' })
  expect(yaml?.payload).toEqual({
    root: folder,
    path: 'yaml.md',
    title: 'The: guide',
    date: '2024-01-05',
    updated: '2024-01-05T08:00:00.000Z',
    draft: false,
    weight: 3,
    serial: '12345678901234567890',
    tags: ['a', 'b'],
    author: { name: 'Ann' },
    front_path: 'elsewhere',
    none: null,
  })
  expect(yaml && headings(yaml)).toEqual([['Start', 13]])
})

test('front matter that cannot be read stays text, and no file is lost', async () => {
  const bomb = `---\na: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
    .split('')
    .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(',')}]`)
    .join('\n')}\n---\ntext\n`
  const files = {
    'a.md': '---\ntitle: [broken\n---\n\nbody\n',
    'b.md': '---\nnever closed\n\n# Heading\n',
    'c.md': '---\njust words\n---\nbody\n',
    'd.md': bomb,
    'e.md': `---\nx: ${'['.repeat(50_000)}\n---\nbody\n`,
    'f.md': '---\ntitle: Only this\ndescription: nothing else\n---\n',
    'g.md': '---\na: 1\na: 2\n---\nbody\n',
  }
  await putFiles(folder, files)
  const { documents, failures } = await readFiles(folder)
  expect(failures).toEqual([])
  expect(documents.map(({ text }) => text)).toEqual(Object.values(files))
  expect(documents[5]).toMatchObject({ title: 'Only this', payload: { description: 'nothing else' } })
})

test('a thematic break further down is no front matter', async () => {
  const { body, payload } = await parseMarkdown('Text\n\n---\na: 1\n---\n')
  expect([body, payload]).toEqual(['Text\n\n---\na: 1\n---\n', {}])
})

test('headings are the words that readers see', async () => {
  const text = [
    '# Install {#install}',
    '## Use it {.big key=value}',
    '## [1.2.0](https://example.org/1) (2024-01-05)',
    '## Build [![state](https://example.org/b.svg)](https://example.org) ![logo](x.png)',
    '## ![Only a picture](x.png)',
    '## Tabs <Badge type="tip" text={a > 1} /> <a name="tabs"></a>',
    '## `code` & *emphasis*',
    '## <kbd>Ctrl</kbd> key',
    '## Generic `Map<K, V>` types',
    '## {#empty}',
    '<h1 align="center">Centred <img src="x.png"></h1>',
    '',
    'Set {braces} in text',
    '===',
  ].join('\n')
  const { sections } = await parseMarkdown(text)
  const own = sections.map(({ heading }) => heading?.split(' › ').at(-1))
  expect(own).toEqual([
    'Install',
    'Use it',
    '1.2.0 (2024-01-05)',
    'Build',
    'Only a picture',
    'Tabs',
    'code & emphasis',
    'Ctrl key',
    'Generic Map<K, V> types',
    'Centred',
    'Set {braces} in text',
  ])
})

test('MDX: imports, exports and components are no headings', async () => {
  await putFiles(folder, {
    'page.mdx': `---
title: Page
---
import Tabs from '@theme/Tabs'
export const rows = [
  # not a heading in code
]

# Start <Badge text="new" />

<Tabs>

## Inside {props.name}

</Tabs>
`,
  })
  const [document] = (await readFiles(folder)).documents
  expect(document?.title).toBe('Page')
  expect(document && headings(document).map(([heading]) => heading)).toContain('Start › Inside')
})

test('texts that are too long or too deep for the parser keep their headings', async () => {
  const long = `# One\n\n${'word '.repeat(500_000)}\n\n\`\`\`sh\n# no heading\n\`\`\`\n\n## Two ##\n`
  expect((await parseMarkdown(long)).sections.map(({ heading }) => heading)).toEqual(['One', 'One › Two'])
  const deep = `# One\n\n${'> '.repeat(20_000)}deep\n\n## Two\n`
  expect((await parseMarkdown(deep)).sections.map(({ heading }) => heading)).toEqual(['One', 'One › Two'])
})
