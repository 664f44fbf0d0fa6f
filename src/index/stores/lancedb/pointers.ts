import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { messageOf, QontrastError, systemCodeOf } from '../../../shared/index.ts'
import { fieldsSchema } from '../../filter/fields.ts'
import { format, readFormat } from '../format.ts'
import { checkCollectionName, isCollectionName } from '../names.ts'
import type { CollectionSchema } from '../store.ts'

/** LanceDB has no place for a schema of ours and no aliases: small JSON files beside the tables, replaced by rename. */
export interface Pointers {
  /** `invalid-option` for a name that no collection can have. */
  checkName(name: string): void
  readCollection(name: string): Promise<CollectionSchema | undefined>
  writeCollection(name: string, schema: CollectionSchema): Promise<void>
  removeCollection(name: string): Promise<void>
  collections(): Promise<string[]>
  /** The collection that an alias names; any other name stands for itself. */
  resolve(name: string): Promise<string>
  writeAlias(alias: string, collection: string): Promise<void>
  removeAlias(alias: string): Promise<void>
  /** Alias → collection. */
  aliases(): Promise<ReadonlyMap<string, string>>
}

/** Of the files of aliases, which have not changed. */
const aliasFormat = 1
const collectionSuffix = '.collection.json'
const aliasSuffix = '.alias.json'

const collectionFile = z.object({
  format: z.int().positive(),
  schema: z.object({
    dimensions: z.number().int().positive(),
    encoder: z.object({ name: z.string(), fingerprint: z.string() }),
    fields: fieldsSchema,
    upgradedFrom: z.int().positive().exactOptional(),
  }),
})
const aliasFile = z.object({ format: z.literal(aliasFormat), collection: z.string() })

export function openPointers(folder: string): Pointers {
  const file = (name: string, suffix: string) => path.join(folder, checkCollectionName(name) + suffix)
  const namesOf = async (suffix: string) => {
    const entries = await readdir(folder).catch(() => [])
    return entries
      .filter((entry) => entry.endsWith(suffix))
      .map((entry) => entry.slice(0, -suffix.length))
      .sort()
  }
  const readAlias = async (name: string) =>
    isCollectionName(name) ? (await read(file(name, aliasSuffix), aliasFile))?.collection : undefined
  return {
    checkName: checkCollectionName,
    async readCollection(name) {
      const kept = isCollectionName(name) ? await read(file(name, collectionSuffix), collectionFile) : undefined
      return kept && { ...kept.schema, ...readFormat(kept.format, `The collection '${name}'`) }
    },
    writeCollection: (name, schema) => replace(file(name, collectionSuffix), { format, schema }),
    removeCollection: (name) => rm(file(name, collectionSuffix), { force: true }),
    collections: () => namesOf(collectionSuffix),
    resolve: async (name) => (await readAlias(name)) ?? name,
    writeAlias: (alias, collection) =>
      replace(file(alias, aliasSuffix), { format: aliasFormat, collection: checkCollectionName(collection) }),
    removeAlias: (alias) => rm(file(alias, aliasSuffix), { force: true }),
    async aliases() {
      const names = await namesOf(aliasSuffix)
      const pairs = await Promise.all(names.map(async (name) => [name, await readAlias(name)] as const))
      return new Map(pairs.flatMap(([name, collection]) => (collection === undefined ? [] : [[name, collection]])))
    },
  }
}

async function read<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new QontrastError('store-failed', `${file} is damaged: ${messageOf(cause)}`, {
      cause,
    })
  }
}

async function replace(file: string, content: object): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  const partial = `${file}.${randomUUID()}`
  await writeFile(partial, `${JSON.stringify(content, null, 2)}\n`, { flush: true })
  await rename(partial, file)
}
