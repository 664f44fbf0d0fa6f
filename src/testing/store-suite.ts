import type { CollectionSchema } from '../index/index.ts'
import { agreementTests, dateTests, nameTests, sizeTests, stringTests } from './filters/filter-tests.ts'
import { filterSchema } from './filters/points.ts'
import type { Omission, StoreTests, StoreUnderTest, Test, TestRunner } from './runner.ts'
import { aliasTests, collectionTests } from './store/collections.ts'
import { aliasCallTests, handleTests, signalTests } from './store/handles.ts'
import { hybridTests, manyTests } from './store/hybrid.ts'
import { resetVectors, schema } from './store/points.ts'
import { orderTests, rankingTests } from './store/ranking.ts'
import { recordTests, selectionTests } from './store/records.ts'
import { seenTests, walkTests } from './store/walks.ts'

export interface StoreSuiteOptions {
  /** Of the store, in the names of the tests. */
  readonly name: string
  /** Called for each test: a store that holds nothing, apart from those of other tests. */
  open(): Promise<StoreUnderTest>
  /** What the store leaves out: those tests are skipped, and say why. */
  readonly without?: readonly Omission[]
}

type Group = (tests: StoreTests) => void

const storeGroups: readonly Group[] = [
  rankingTests,
  orderTests,
  hybridTests,
  manyTests,
  recordTests,
  selectionTests,
  walkTests,
  seenTests,
  collectionTests,
  signalTests,
]
const filterGroups: readonly Group[] = [agreementTests, dateTests, stringTests, nameTests, sizeTests]
/** Groups of what a store may leave out, with the reason that is printed then. */
const optional: Readonly<Record<Omission, { readonly reason: string; readonly groups: readonly Group[] }>> = {
  aliases: { reason: 'the store has no aliases', groups: [aliasTests, aliasCallTests] },
  reopen: { reason: 'the store has one handle only', groups: [handleTests] },
}

/** Says what every store does, and every filter in it: fixed vectors and ids, no encoder, no clock. Run it on a store of your own. */
export function storeSuite(runner: TestRunner, { name, open, without = [] }: StoreSuiteOptions): void {
  const omitted = new Set(without)
  const suite = (title: string, made: CollectionSchema, register: (tests: StoreTests) => void) =>
    runner.describe(title, () => register(testsOn(runner, { open, omitted, schema: made })))

  suite(`VectorStore: ${name}`, schema, (tests) => {
    for (const group of storeGroups) group(tests)
    for (const omission of ['aliases', 'reopen'] as const) {
      const { reason, groups } = optional[omission]
      const test = omitted.has(omission) ? skipping(runner, reason) : tests.test
      for (const group of groups) group({ ...tests, test })
    }
  })
  suite(`Filters: ${name}`, filterSchema, (tests) => {
    for (const group of filterGroups) group(tests)
  })
}

/** Opens a store with a collection `docs` before each test of a `describe`. */
function testsOn(
  { test, expect, beforeEach, afterEach }: TestRunner,
  {
    open,
    omitted,
    schema: made,
  }: Pick<StoreSuiteOptions, 'open'> & { readonly omitted: ReadonlySet<Omission>; readonly schema: CollectionSchema },
): StoreTests {
  let subject: StoreUnderTest | undefined
  const opened = () => {
    if (!subject) throw new Error('The store could not be opened.')
    return subject
  }
  beforeEach(async () => {
    resetVectors()
    subject = await open()
    checkOmissions(subject, omitted)
    await subject.store.ensure('docs', made)
  })
  afterEach(async () => subject?.dispose())
  const at = {
    get store() {
      return opened().store
    },
    reopen: async () => (await opened().reopen?.()) ?? opened().store,
  }
  return { test, expect, at }
}

function checkOmissions({ store, reopen }: StoreUnderTest, omitted: ReadonlySet<Omission>): void {
  const there: Record<Omission, boolean> = { aliases: store.capabilities.aliases, reopen: reopen !== undefined }
  for (const omission of ['aliases', 'reopen'] as const) {
    if (there[omission] !== omitted.has(omission)) continue
    throw new Error(
      there[omission]
        ? `${store.name} has ${omission}, and is tested without: leave '${omission}' out of \`without\`.`
        : `${store.name} has no ${omission}: say so by storeSuite(…, { without: ['${omission}'] }).`,
    )
  }
}

function skipping({ test }: TestRunner, reason: string): Test {
  return (name) => {
    console.log(`skipped: ${name}: ${reason}`)
    test.skip(name, () => {})
  }
}
