import { mkdir, symlink } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { putFiles, readFiles } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary.ts'

let folder: string
const at = (name: string) => path.join(folder, name)
beforeEach(async () => {
  folder = await temporaryFolder()
})

test('folders leave out node_modules and dotfiles; globs that name them, and such folders themselves, find them', async () => {
  await putFiles(folder, {
    'a.md': 'x',
    '.github/b.md': 'x',
    '.github/deep/c.md': 'x',
    'node_modules/p/README.md': 'x',
    'node_modules/p/node_modules/q/README.md': 'x',
    'sub/.hidden.md': 'x',
    'sub/node_modules/d.md': 'x',
  })
  const paths = async (pattern: string) => (await readFiles(at(pattern))).paths
  expect((await readFiles(folder)).paths).toEqual(['a.md'])
  expect(await paths('**/*.md')).toEqual(['a.md'])
  expect(await paths('.github/**/*.md')).toEqual(['b.md', 'deep/c.md'])
  expect(await paths('**/.github/*.md')).toEqual(['.github/b.md'])
  expect(await paths('.github')).toEqual(['b.md', 'deep/c.md'])
  expect(await paths('node_modules/p/*.md')).toEqual(['README.md'])
  expect(await paths('node_modules/p')).toEqual(['README.md'])
  expect(await paths('node_modules/**/*.md')).toEqual(['p/README.md', 'p/node_modules/q/README.md'])
  expect(await paths('**/node_modules/*.md')).toEqual(['sub/node_modules/d.md'])
  expect(await paths('sub/.*.md')).toEqual(['.hidden.md'])
  expect(await paths('{sub,.github}/*.md')).toEqual(['.github/b.md'])
})

test('a linked folder is followed once, and a loop ends', async () => {
  await putFiles(folder, { 'docs/real/a.md': 'x', 'docs/b.md': 'x', '.store/d.md': 'x' })
  await symlink('real', at('docs/again'))
  await symlink('..', at('docs/real/up'))
  await symlink('../..', at('docs/real/top'))
  await symlink('b.md', at('docs/copy.md'))
  const docs = await readFiles(at('docs'))
  expect(docs.paths).toEqual(['b.md', 'real/a.md'])
  expect(docs.failures).toEqual([])
  expect(docs.notices).toMatchObject([{ kind: 'link', detail: 'leads out of the folder' }])
  await symlink('.store', at('store'))
  expect((await readFiles(folder)).paths).toEqual(['docs/b.md', 'docs/real/a.md', 'store/d.md'])
  expect((await readFiles(at('docs/**/*.md'))).paths).toEqual(['b.md', 'real/a.md'])
  expect((await readFiles(at('docs/**/again/*.md'))).paths).toEqual(['again/a.md'])
})

test('links never lead out of the folder, nor nowhere; named outright they do', async () => {
  await putFiles(folder, { 'docs/a.md': 'x', 'other/b.md': 'y' })
  await symlink('../other', at('docs/folder'))
  await symlink('../other/b.md', at('docs/b.md'))
  await symlink('absent.md', at('docs/broken.md'))
  const { paths, notices, failures } = await readFiles(at('docs'))
  expect(paths).toEqual(['a.md'])
  expect(failures).toEqual([])
  expect(notices.map(({ path: shown, detail }) => [path.basename(shown), detail]).sort()).toEqual([
    ['b.md', 'leads out of the folder'],
    ['broken.md', 'leads nowhere'],
    ['folder', 'leads out of the folder'],
  ])
  expect((await readFiles(at('docs/b.md'))).documents).toMatchObject([{ text: 'y' }])
  expect((await readFiles(at('docs/folder'))).paths).toEqual(['b.md'])
})

test('names that look like globs are files and folders where there are such', async () => {
  await putFiles(folder, {
    'notes [draft].md': 'x',
    'what? (1)/a*b.md': 'y',
    'docs [old]/c.md': 'z',
    'docs o/d.md': 'w',
  })
  expect((await readFiles(at('notes [draft].md'))).paths).toEqual(['notes [draft].md'])
  expect((await readFiles(at('what? (1)'))).paths).toEqual(['a*b.md'])
  expect((await readFiles(at('docs [old]/*.md'))).paths).toEqual(['c.md'])
})

test('extensions are known in upper case; a glob that names one finds any kind, a file named outright too', async () => {
  await putFiles(folder, { 'A.MD': '# Up', 'b.Txt': 'x', 'c.log': 'log', 'd.xyz': 'text', Makefile: 'all:' })
  expect((await readFiles(folder)).paths).toEqual(['A.MD', 'b.Txt'])
  expect((await readFiles(at('*.log'))).paths).toEqual(['c.log'])
  expect((await readFiles(at('*.{log,xyz}'))).paths).toEqual(['c.log', 'd.xyz'])
  expect((await readFiles([at('d.xyz'), at('Makefile')])).documents).toMatchObject([
    { title: 'Makefile' },
    { title: 'd.xyz' },
  ])
  expect((await readFiles(at('*'))).paths).toEqual(['A.MD', 'b.Txt'])
})

test('what is skipped is counted by extension; what is empty is counted and no failure', async () => {
  await putFiles(folder, {
    'a.png': 'x',
    'b.PNG': 'x',
    'c.zip': 'x',
    LICENSE: 'x',
    'empty.md': '',
    'white.txt': ' \n\t\u00a0\ufeff\n',
    'empty.pdf': '',
    'empty.csv': '',
    'empty.jsonl': '\n',
    'empty.html': '<p> </p>',
    'd.md': 'x',
  })
  const { paths, notices, failures } = await readFiles(folder)
  expect(paths).toEqual(['d.md'])
  expect(failures).toEqual([])
  expect(
    notices
      .filter(({ kind }) => kind === 'skipped')
      .map(({ detail }) => detail)
      .sort(),
  ).toEqual(['.png', '.png', '.zip', 'without extension'])
  expect(notices.filter(({ kind }) => kind === 'empty')).toHaveLength(6)
  expect(await readFiles(at('empty.md'))).toMatchObject({ documents: [], failures: [], notices: [{ kind: 'empty' }] })
})

test('a folder without any readable file says what it holds', async () => {
  await putFiles(folder, { 'a.png': 'x', 'b.png': 'x' })
  await mkdir(at('void'))
  await expect(readFiles(folder)).rejects.toMatchObject({ message: expect.stringContaining('(found: .png 2)') })
  await expect(readFiles(at('void'))).rejects.toMatchObject({ code: 'file-unreadable' })
  await expect(readFiles(at('nope/**/*.md'))).rejects.toMatchObject({
    message: expect.stringContaining('matches no file'),
  })
})
