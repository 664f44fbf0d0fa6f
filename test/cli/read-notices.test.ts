import { expect, test } from 'vitest'
import { createNoticeBook } from '../../src/cli/read-notices.ts'

test('what was told of files is counted by kind, most first', () => {
  const book = createNoticeBook()
  for (const detail of ['.zip', '.png', '.png']) book.add({ kind: 'skipped', path: 'x', detail })
  book.add({ kind: 'empty', path: 'x', detail: '' })
  book.add({ kind: 'encoding', path: 'x', detail: 'windows-1252' })
  expect(book.lines()).toEqual([
    'skipped 3 files: .png 2, .zip 1',
    '1 file empty',
    '1 file not in UTF-8, read as: windows-1252 1',
  ])
  expect(book.counts()).toEqual({
    skipped: { '.zip': 1, '.png': 2 },
    empty: { '': 1 },
    encoding: { 'windows-1252': 1 },
  })
})
