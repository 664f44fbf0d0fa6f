import * as vitest from 'vitest'
import { afterAll, describe, expect } from 'vitest'
import { qdrant } from '../../../src/index/stores/qdrant.ts'
import type { VectorStore } from '../../../src/index/stores/store.ts'
import { type StoreUnderTest, storeSuite } from '../../../src/testing/index.ts'
import { openQdrant } from '../../support/qdrant-subject.ts'

const subject = await openQdrant('contract')
console.log(`store suite: ${subject?.source ?? 'skipped: no QDRANT_URL, no qdrant on PATH and no recording'}`)
afterAll(() => subject?.close())

if (!subject) describe.skip('VectorStore: Qdrant', () => {})
else {
  const openSubject = async (): Promise<StoreUnderTest> => {
    await subject.begin(expect.getState().currentTestName ?? '')
    const opened: VectorStore[] = []
    const open = () => {
      const store = qdrant({ url: subject.url })
      opened.push(store)
      return store
    }
    return {
      store: open(),
      reopen: async () => open(),
      async dispose() {
        await Promise.all(opened.map((store) => store.close()))
        await subject.end()
      },
    }
  }
  storeSuite(vitest, { name: 'Qdrant', open: openSubject })
}
