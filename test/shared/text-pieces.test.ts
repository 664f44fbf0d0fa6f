import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { readPairs } from '../../src/main.ts'
import { textPieces } from '../../src/shared/index.ts'
import { temporaryFolder } from '../support/temporary.ts'

async function write(name: string, bytes: Buffer): Promise<string> {
  const file = path.join(await temporaryFolder(), name)
  await writeFile(file, bytes)
  return file
}

it('a file of UTF-8 comes back, whatever its pieces cut in two', async () => {
  const text = 'ß漢🦆'.repeat(40_000)
  const pieces = await Array.fromAsync(textPieces(await write('a.txt', Buffer.from(text))))
  expect(pieces.length).toBeGreaterThan(1)
  expect(pieces.join('')).toBe(text)
})

it.each(['utf16le', 'latin1'] as const)(
  'pairs in %s are refused by name, and not learned as something else',
  async (encoding) => {
    const file = await write('pairs.jsonl', Buffer.from('{"anchor": "Zürich", "positive": "Stadt"}\n', encoding))
    await expect(readPairs(file)).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining('is not valid UTF-8'),
    })
  },
)
