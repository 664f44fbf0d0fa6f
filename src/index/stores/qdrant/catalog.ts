import { QontrastError } from '../../../shared/index.ts'
import type { VectorStore } from '../store.ts'
import type { Access } from './access.ts'
import { deferred, ensureCollection, findCollection } from './collections.ts'
import { countPoints } from './walk.ts'

type Catalog = Pick<VectorStore, 'ensure' | 'list' | 'info' | 'schema' | 'drop' | 'aliases' | 'alias' | 'optimize'>

/** Which collections there are, under which names. */
export function createCatalog(access: Access): Catalog {
  const { connection, options, described, describe, missing, list, aliases, walkOf } = access
  return {
    async ensure(name, schema) {
      described.set(name, await ensureCollection(connection, name, schema, options))
    },

    list,

    async info(name) {
      const found = await findCollection(connection, name, options)
      if (!found) return undefined
      const { layout, schema } = found
      return {
        name: (await aliases()).get(name) ?? name,
        schema,
        points: await countPoints(walkOf(name, found), {}),
        bytes: undefined,
        ...(layout.ours ? {} : { foreign: { vector: layout.vector, text: layout.text, payload: layout.payload } }),
      }
    },

    schema: async (name) => (await findCollection(connection, name, options))?.schema,

    async drop(name) {
      const collection = (await aliases()).get(name) ?? name
      const { exists } = await connection.call(collection, (client) => client.collectionExists(collection))
      if (!exists) throw await missing(name)
      await connection.call(collection, (client) => client.deleteCollection(collection))
      described.clear()
    },

    aliases,

    async alias(alias, collection) {
      const target = collection === undefined ? undefined : ((await aliases()).get(collection) ?? collection)
      if (target !== undefined) {
        if ((await list()).includes(alias))
          throw new QontrastError('invalid-option', `'${alias}' is the name of an index; choose another alias.`)
        await describe(target)
      }
      await connection.call(alias, (client) =>
        client.updateCollectionAliases({
          actions: [
            { delete_alias: { alias_name: alias } },
            ...(target === undefined ? [] : [{ create_alias: { alias_name: alias, collection_name: target } }]),
          ],
        }),
      )
      described.delete(alias)
    },

    async optimize(name) {
      const { layout, info, indexingThreshold } = await describe(name)
      if (!layout.ours || info.config.optimizer_config.indexing_threshold !== deferred) return
      await connection.call(name, (client) =>
        client.updateCollection(name, { optimizers_config: { indexing_threshold: indexingThreshold } }),
      )
    },
  }
}
