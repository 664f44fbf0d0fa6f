import { expect, test } from 'vitest'
import { importOptional } from '../../src/documents/optional.ts'

test('a package that is not installed is named with the line that installs it', async () => {
  const absent = 'qontrast-absent-package'
  await expect(
    importOptional(absent, 'Files of this kind (.xyz)', () => import(/* @vite-ignore */ absent)),
  ).rejects.toMatchObject({ code: 'dependency-missing', message: expect.stringContaining(`npm install ${absent}`) })
})
