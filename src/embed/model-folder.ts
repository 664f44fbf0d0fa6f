import { readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import type { z } from 'zod'
import { messageOf, QontrastError } from '../shared/index.ts'

/** A model's files. Names are relative; one that leaves the folder, by `..` or by a link, is refused. */
export interface ModelFolder {
  readonly root: string
  /** Absolute path of a file, or undefined where it is absent. */
  find(name: string): Promise<string | undefined>
  /** The first of several names that exists. */
  findFirst(names: readonly string[]): Promise<string | undefined>
  /** A JSON file checked against its schema, or undefined where it is absent; `model-invalid` where it is broken. */
  json<T>(name: string, schema: z.ZodType<T>): Promise<T | undefined>
}

/** Opens a folder of model files. Links may point anywhere below `boundary` (a hub cache keeps files beside its snapshots). */
export async function openModelFolder(folder: string, boundary = folder): Promise<ModelFolder> {
  const root = await realpath(folder).catch(() => undefined)
  if (!root || !(await stat(root)).isDirectory()) {
    throw new QontrastError('model-not-found', `There is no model folder at '${folder}'.`)
  }
  const allowed = await realpath(boundary)

  const find = async (name: string) => {
    const target = path.resolve(root, name)
    if (!isBelow(root, target)) throw leaves(name, root)
    const real = await realpath(target).catch(() => undefined)
    if (real === undefined) return undefined
    if (!isBelow(allowed, real)) throw leaves(name, root)
    return target
  }

  return {
    root,
    find,
    async findFirst(names) {
      for (const name of names) {
        const found = await find(name)
        if (found) return found
      }
      return undefined
    },
    async json(name, schema) {
      const file = await find(name)
      if (!file) return undefined
      try {
        return schema.parse(JSON.parse(await readFile(file, 'utf8')))
      } catch (cause) {
        throw new QontrastError('model-invalid', `${file} is not what this file should be: ${messageOf(cause)}`, {
          cause,
        })
      }
    },
  }
}

function isBelow(folder: string, target: string): boolean {
  return target === folder || target.startsWith(folder + path.sep)
}

function leaves(name: string, root: string): QontrastError {
  return new QontrastError(
    'model-invalid',
    `'${name}' leads out of the model folder ${root}: copy the file into the folder.`,
  )
}
