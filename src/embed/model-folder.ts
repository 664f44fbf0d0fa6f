import { readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { QontrastError } from '../shared/index.ts'
import { reasonOf } from './reason-of.ts'

/**
 * A model's files. Names are relative; one that leaves the folder, by `..` or by a link, is refused. Nothing of a model is read past this
 * object: it remembers which files were opened, and the fingerprint is made of all of them.
 */
export interface ModelFolder {
  readonly root: string
  /** Links of the folder may point anywhere below it. */
  readonly boundary: string
  has(name: string): Promise<boolean>
  /** Absolute path of a file whose content makes vectors, or undefined where it is absent. */
  open(name: string): Promise<string | undefined>
  /** A JSON file whose content as a whole makes vectors; `model-invalid` where it is broken. */
  openJson(name: string): Promise<object | undefined>
  /** Facts out of a settings file, checked against a schema; they take part in the fingerprint where they take part in the plan. */
  facts<T>(name: string, schema: z.ZodType<T>): Promise<T | undefined>
  /** Names of the files opened so far, in alphabetical order. */
  opened(): readonly string[]
}

const anyJson = z.looseObject({})

/** Opens a folder of model files. Links may point anywhere below `boundary` (a hub cache keeps files beside its snapshots). */
export async function openModelFolder(folder: string, boundary = folder): Promise<ModelFolder> {
  const root = await realpath(folder).catch(() => undefined)
  if (!root || !(await stat(root)).isDirectory()) {
    throw new QontrastError('model-not-found', `There is no model folder at '${folder}'.`)
  }
  const allowed = await realpath(boundary)
  const opened = new Set<string>()

  const find = async (name: string) => {
    const target = path.resolve(root, name)
    if (!isBelow(root, target)) throw leaves(name, root)
    const real = await realpath(target).catch(() => undefined)
    if (real === undefined) return undefined
    if (!isBelow(allowed, real)) throw leaves(name, root)
    return target
  }
  const open = async (name: string) => {
    const file = await find(name)
    if (file) opened.add(path.relative(root, file).split(path.sep).join('/'))
    return file
  }
  const parse = async <T>(file: string, schema: z.ZodType<T>) => {
    try {
      return schema.parse(JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, '')))
    } catch (cause) {
      throw new QontrastError('model-invalid', `${file} is not what this file should be: ${reasonOf(cause)}`, { cause })
    }
  }

  return {
    root,
    boundary: allowed,
    open,
    has: async (name) => (await find(name)) !== undefined,
    async openJson(name) {
      const file = await open(name)
      return file ? parse(file, anyJson) : undefined
    },
    async facts(name, schema) {
      const file = await find(name)
      return file ? parse(file, schema) : undefined
    },
    opened: () => [...opened].sort(),
  }
}

/** The files of a folder that is not written yet. */
export function filesInMemory(root: string, files: Readonly<Record<string, object>>): ModelFolder {
  return {
    root,
    boundary: root,
    has: async (name) => Object.hasOwn(files, name),
    open: async () => undefined,
    openJson: async (name) => files[name],
    facts: async (name, schema) => (files[name] ? schema.parse(files[name]) : undefined),
    opened: () => [],
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
