import { messageOf, type OptionKeys, QontrastError } from '../../shared/index.ts'
import type { Generation, Generations } from '../generations/generations.ts'
import type { Member } from '../generations/members.ts'
import { nextAlias, previousAlias } from '../stores/names.ts'
import type { VectorStore } from '../stores/store.ts'
import { within } from '../stores/within.ts'
import { type CarriedOver, type CarryOverOptions, carryOver } from './carry-over.ts'
import { checkSample } from './check-sample.ts'

export interface ReindexProgress {
  /** Passes over the whole index: the first embeds, those after it mend what changed meanwhile. */
  readonly pass: number
  /** Documents of this pass that are compared, and mended where they differ, of how many. */
  readonly documents: number
  readonly total: number
  /** Chunks that this run embedded. */
  readonly chunks: number
}

export interface MoveOptions {
  readonly store: VectorStore
  readonly index: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ReindexProgress) => void
}

export const moveKeys: OptionKeys<MoveOptions> = { store: true, index: true, signal: true, onProgress: true }

export interface ReindexReport {
  readonly index: string
  /** Collection that the index named before, and names now; the same where there was nothing to do. */
  readonly from: string
  readonly to: string
  readonly documents: number
  /** Chunks that this run embedded. */
  readonly chunks: number
}

export interface Move extends MoveOptions {
  readonly generations: Generations
  readonly target: Generation
  readonly member: () => Promise<Member>
  readonly reuse?: CarryOverOptions['reuse']
}

const mostPasses = 12

/** Marks the target as live, brings it up to date, checks it, and switches. */
export async function moveTo({
  store: whole,
  index,
  generations,
  target,
  member,
  reuse,
  signal,
  onProgress,
}: Move): Promise<ReindexReport> {
  const { current, previous } = generations
  const store = within(whole, signal)
  const total = await countDocuments(whole, current)
  let embedded = 0
  await whole.alias(nextAlias(index), target.collection)

  /** Once another process has switched, what differs is newer in the target, and one that builds another target has come later: nothing may be written any more. */
  const check = async () => {
    const aliases = await store.aliases()
    const unchanged = aliases.get(index) === current.collection && aliases.get(nextAlias(index)) === target.collection
    if (!unchanged) throw switchedMeanwhile(index)
  }
  const pass = async (number: number): Promise<CarriedOver> => {
    const before = embedded
    return carryOver({
      store,
      from: current.collection,
      to: { collection: target.collection, member },
      ...(reuse ? { reuse } : {}),
      check,
      patient: number > 1,
      signal,
      onProgress: ({ compared, chunks }) => {
        embedded = before + chunks
        onProgress?.({ pass: number, documents: compared, total: Math.max(total, compared), chunks: embedded })
      },
    })
  }
  let carried = await pass(1)
  refuseFailures(index, carried.failures)
  await store.optimize(target.collection, signal ? { signal } : {})
  for (let number = 2; carried.mended > 0 && number <= mostPasses; number++) {
    carried = await pass(number)
    refuseFailures(index, carried.failures)
  }
  if (carried.mended > 0) throw neverStill(index)
  if (embedded > 0) await checkSample(store, current.collection, await member())

  await check()
  await switchTo({ store: whole, index, current, previous, target })
  return { index, from: current.collection, to: target.collection, documents: carried.documents, chunks: embedded }
}

/** Only the step in the middle counts: an alias that a broken-off switch leaves is read rightly, and the next run takes it away. */
async function switchTo({
  store,
  index,
  current,
  previous,
  target,
}: {
  store: VectorStore
  index: string
  current: Generation
  previous: Generation | undefined
  target: Generation
}): Promise<void> {
  if (previous && previous.collection !== target.collection) await store.drop(previous.collection)
  await store.alias(previousAlias(index), current.collection)
  await store.alias(index, target.collection)
  await store.alias(nextAlias(index), undefined)
}

export function countDocuments(store: VectorStore, { collection }: Generation): Promise<number> {
  return store.count(collection, { unit: 'documents' })
}

function refuseFailures(index: string, failures: ReadonlyMap<string, unknown>): void {
  const [first] = failures
  if (!first) return
  throw new QontrastError(
    'invalid-input',
    `${failures.size} of the documents of '${index}' cannot be carried over, so it stays as it is. The first is ${JSON.stringify(first[0])}: ${messageOf(first[1])} Index them again or delete them, then run this again.`,
    { cause: first[1] },
  )
}

function switchedMeanwhile(index: string): QontrastError {
  return new QontrastError(
    'store-busy',
    `Another process re-indexed '${index}', or rolled it back, at the same time, and was first. Run this again to see what is left to do.`,
  )
}

function neverStill(index: string): QontrastError {
  return new QontrastError(
    'store-busy',
    `Documents of '${index}' kept changing in one generation only, in ${mostPasses} passes: does another version of this package write to it? It stays as it is; stop the writers and run this again.`,
  )
}
