import { beforeEach, expect, test } from 'vitest'
import { headings, putFiles, readFiles } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})

async function readOne(name: string, text: string) {
  await putFiles(folder, { [name]: text })
  const { documents, failures } = await readFiles(folder)
  expect(failures).toEqual([])
  expect(documents).toHaveLength(1)
  expect(documents[0]?.text).toBe(text)
  return { title: documents[0]?.title, headings: documents[0] && headings(documents[0]) }
}

test('reStructuredText: underlined and framed titles, their depths by order of appearance', async () => {
  const text = `=====
Title
=====

Intro.

First *part*
------------

| a table | x |

=====  =====
col a  col b
=====  =====
1      2
=====  =====

Using :func:\`open <io.open>\`
~~~~~~~~~~~~~~~~~~~~~~~~~~~~

::

    code
    ----

Second part
-----------
`
  expect(await readOne('a.rst', text)).toEqual({
    title: 'Title',
    headings: [
      ['Title', 1],
      ['Title › First part', 7],
      ['Title › First part › Using open', 18],
      ['Title › Second part', 26],
    ],
  })
})

test('AsciiDoc: headings by their marks, none in listings and comments', async () => {
  const text =
    '= The Guide\nAnn <ann@example.org>\n:toc:\n\nIntro.\n\n[[start]]\n== Start\n\n----\n== no heading\n----\n\n////\n== nor here\n////\n\n=== Deeper ===\n\n```sh\n# comment\n```\n\n== End\n'
  expect(await readOne('a.adoc', text)).toEqual({
    title: 'The Guide',
    headings: [
      ['The Guide', 1],
      ['The Guide › Start', 8],
      ['The Guide › Start › Deeper', 18],
      ['The Guide › End', 24],
    ],
  })
})

test('Org: stars without keywords, priorities and tags; the title from its keyword', async () => {
  const text =
    '#+TITLE: My notes\n#+AUTHOR: Ann\n\n* TODO [#A] Buy milk :home:shop:\n** Where\n#+begin_src org\n* no heading\n#+end_src\n* [[https://example.org][A link]]\n*bold* is text\n'
  expect(await readOne('a.org', text)).toEqual({
    title: 'My notes',
    headings: [
      [undefined, 1],
      ['Buy milk', 4],
      ['Buy milk › Where', 5],
      ['A link', 9],
    ],
  })
})

test('source code is read as it is, named by its file', async () => {
  expect(await readOne('index.ts', 'export const one = 1\n')).toEqual({ title: 'index.ts', headings: [[undefined, 1]] })
})

test('a notebook gives its Markdown and code, no outputs, a section for each cell and heading', async () => {
  const notebook = {
    nbformat: 4,
    metadata: {},
    cells: [
      { cell_type: 'markdown', source: ['# Title\n', '\n', 'Intro.\n', '## Part\n'] },
      { cell_type: 'code', source: 'print(1)', outputs: [{ output_type: 'stream', text: ['SECRET'] }] },
      { cell_type: 'markdown', source: 'before\n\n## Next' },
      { cell_type: 'code', source: [], outputs: [] },
    ],
  }
  const old = {
    nbformat: 3,
    worksheets: [
      {
        cells: [
          { cell_type: 'heading', level: 2, source: 'Old' },
          { cell_type: 'code', input: ['x = 1'] },
        ],
      },
    ],
  }
  await putFiles(folder, {
    'a.ipynb': JSON.stringify(notebook),
    'b.ipynb': JSON.stringify(old),
    'c.ipynb': '{"cells": 1}',
    'd.ipynb': '',
  })
  const { documents, failures, notices } = await readFiles(folder)
  const [first, second] = documents
  expect(first?.title).toBe('Title')
  expect(first?.text).not.toContain('SECRET')
  expect(first && headings(first).map(([heading]) => heading)).toEqual([
    'Title',
    'Title › Part',
    'Title › Part',
    'Title › Part',
    'Title › Next',
  ])
  expect(second).toMatchObject({ title: 'Old', text: '## Old\n\nx = 1\n\n' })
  expect(failures).toMatchObject([
    { path: expect.stringMatching(/c\.ipynb$/), reason: expect.stringContaining('no Jupyter notebook') },
  ])
  expect(notices).toMatchObject([{ kind: 'empty', path: expect.stringMatching(/d\.ipynb$/) }])
})
