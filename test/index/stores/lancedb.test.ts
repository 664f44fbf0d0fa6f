import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { lancedb } from '../../../src/index/stores/lancedb.ts'
import { describeFilters } from '../../contract/filters.ts'
import { describeVectorStore, type StoreUnderTest } from '../../contract/vector-store.ts'

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

describeVectorStore('LanceDB', open)
describeFilters('LanceDB', open)
