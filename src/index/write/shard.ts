import { createHash } from 'node:crypto'
import { checkOptionKeys, type OptionKeys, QontrastError } from '../../shared/index.ts'

/** One part of a data set: `{ number: 3, of: 16 }` is the third of sixteen. */
export interface Shard {
  /** From 1. */
  readonly number: number
  readonly of: number
}

const shardKeys: OptionKeys<Shard> = { number: true, of: true }

/** Says which documents belong to a shard, by a hash of their ids: the same on every machine, whatever the order. */
export function createShardTest(shard: Shard | undefined): (id: string) => boolean {
  if (!shard) return () => true
  checkOptionKeys('add: shard', shard, shardKeys)
  const { number, of } = shard
  if (!(Number.isInteger(of) && of > 0 && Number.isInteger(number) && number > 0 && number <= of)) {
    throw new QontrastError(
      'invalid-option',
      `shard is { number, of } in whole numbers, with number from 1 to of; got ${number} of ${of}.`,
    )
  }
  return (id) => createHash('sha256').update(id).digest().readUInt32BE() % of === number - 1
}
