import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as vitest from 'vitest'
import { lancedb } from '../../../src/index/stores/lancedb.ts'
import { type StoreUnderTest, storeSuite } from '../../../src/testing/index.ts'

async function open(): Promise<StoreUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-'))
  const opened = [lancedb({ path: folder })]
  return {
    store: opened[0] ?? lancedb({ path: folder }),
    async reopen() {
      const other = lancedb({ path: folder })
      opened.push(other)
      return other
    },
    async dispose() {
      await Promise.all(opened.map((store) => store.close()))
      await rm(folder, { recursive: true })
    },
  }
}

storeSuite(vitest, { name: 'LanceDB', open: open })
