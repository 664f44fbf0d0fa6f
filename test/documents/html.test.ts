import { beforeEach, expect, test } from 'vitest'
import { readPage } from '../../src/documents/html-page.ts'
import { putFiles, readFiles } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})

const lines = (html: string) => readPage(html).text.trim().split('\n')

test('tags that the standard lets one omit are there: html, head, body, p, li, td', () => {
  const { title, text, sections } = readPage(
    '<!doctype html><title>T</title><meta name=x><h1>One</h1><p>first<p>second<ul><li>a<li>b</ul><table><tr><td>1<td>2</table><h2>Two<p>not closed</h2>end',
  )
  expect(title).toBe('T')
  expect(text.trim().split('\n')).toEqual(['One', 'first', 'second', 'a', 'b', '1', '2', 'Two', 'not closed', 'end'])
  expect(sections.map(({ heading }) => heading)).toEqual(['One', 'One › Two not closed'])
})

test('only an HTML title is one: not that of an SVG, nor one in the text of a script', () => {
  expect(readPage('<svg><title>Icon</title></svg><p>text').title).toBeUndefined()
  expect(readPage('<script>"<title>no</title>"</script><svg><title>Icon</title></svg><title>Page</title>').title).toBe(
    'Page',
  )
  expect(readPage('<title> a &amp; b </title><title>second</title>').title).toBe('a & b')
})

test('what readers do not see is left out, what they see stays', () => {
  const html = `<p>seen<template>a</template><noscript>b</noscript><span hidden>c</span><span style="color:red; display: none">d</span>
    <nav>e</nav><svg><text>f</text></svg><script>g</script><style>h</style><iframe>i</iframe><dialog>j</dialog><select><option>k</select>
    <p hidden=until-found>found<details><summary>more</summary>inside</details><dialog open>asks</dialog><textarea>typed</textarea>`
  expect(lines(html)).toEqual(['seen', 'found', 'more', 'inside', 'asks', 'typed'])
  expect(lines('<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字</ruby>')).toEqual(['漢字'])
})

test('white space is as it is shown, in preformatted text as it is written', () => {
  expect(readPage('<p>a\n  b&nbsp;&nbsp;c<b> d</b>e<pre>if x:\n    y</pre>').text).toBe('a b c de\nif x:\n    y\n')
})

test('a link of a heading to itself is no part of it', () => {
  const { sections } = readPage(
    '<h2>Install<a class="headerlink" href="#install">¶</a></h2><h2><a href="#use">Use</a></h2>',
  )
  expect(sections.map(({ heading }) => heading)).toEqual(['Install', 'Use'])
})

test('elements nested deeply are read; without end, they are an error of their file alone', async () => {
  const nested = (depth: number) => `${'<div>'.repeat(depth)}deep${'</div>'.repeat(depth)}`
  expect(lines(nested(5_000))).toEqual(['deep'])
  const tags = Array.from({ length: 3_000 }, (_, i) => `<b id=${i}>`).join('')
  await putFiles(folder, {
    'a.html': nested(100_000),
    'b.html': `<p>${tags}${'<p>x'.repeat(30_000)}`,
    'c.html': '<p>fine',
  })
  const { documents, failures } = await readFiles(folder)
  expect(documents.map(({ text }) => text.trim())).toEqual(['fine'])
  expect(failures.map(({ reason }) => reason)).toEqual([
    expect.stringContaining('more than 10000 deep'),
    expect.stringMatching(/multiply|deep/),
  ])
})
