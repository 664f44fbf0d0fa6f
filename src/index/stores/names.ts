import { randomBytes } from 'node:crypto'
import { QontrastError } from '../../shared/index.ts'

/**
 * An index is an alias over generations: `docs` names the collection `docs.1`, and after a re-index `docs.2-1f3a9c`.
 * `docs.next` names the one that is being built, `docs.previous` the one before. New indexes have no dot in their names, so none of these can be an index.
 */
export const nextAlias = (index: string): string => `${index}.next`
export const previousAlias = (index: string): string => `${index}.previous`
export const firstGeneration = (index: string): string => `${index}.1`

/** A name of its own each time: it never stands for another model, nor for what is left of a dropped collection. */
export function nextGeneration(index: string, current: string): string {
  return `${index}.${generationNumber(index, current) + 1}-${randomBytes(3).toString('hex')}`
}

/** 0 for a collection that is no generation of this index. */
export function generationNumber(index: string, collection: string): number {
  if (!collection.startsWith(`${index}.`)) return 0
  return Number(/^\d+/.exec(collection.slice(index.length + 1))?.[0] ?? 0)
}

/** The names that a user opens: aliases, and collections that no alias names. */
export function indexNames(collections: readonly string[], aliases: ReadonlyMap<string, string>): string[] {
  const there = new Set(collections)
  const named = [...aliases].filter(([alias, collection]) => there.has(collection) && !/\.(next|previous)$/.test(alias))
  const targets = new Set(aliases.values())
  return [...named.map(([alias]) => alias), ...collections.filter((name) => !targets.has(name))].sort()
}

/** What every store takes as the name of a new index: the one rule of library, command line and HTTP. */
export const indexNamePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

export function indexNameProblem(name: unknown): string {
  const given = typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : typeof name
  return `An index is named by 1 to 64 letters, digits, '-' and '_', beginning with a letter or digit; got ${given}.`
}

/** `invalid-option` for a name that no new index can have. */
export function checkIndexName(name: unknown): void {
  if (typeof name === 'string' && indexNamePattern.test(name)) return
  throw new QontrastError('invalid-option', indexNameProblem(name))
}

/** Names of collections, which become those of files and tables: a generation is the name of its index, a dot and a number. Under any other there is nothing. */
export function isCollectionName(name: string): boolean {
  return typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/.test(name)
}

/** Gives the name back: `invalid-option` for what no collection can have. */
export function checkCollectionName(name: string): string {
  if (isCollectionName(name)) return name
  throw new QontrastError('invalid-option', indexNameProblem(name))
}

export function notFound(name: string, where: string, known: readonly string[]): QontrastError {
  const remedy = known.length > 0 ? `It has: ${known.join(', ')}.` : 'It has none yet: index some documents first.'
  return new QontrastError('index-not-found', `There is no index '${name}' in ${where}. ${remedy}`)
}
