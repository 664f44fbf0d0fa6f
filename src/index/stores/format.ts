import { QontrastError } from '../../shared/index.ts'
import type { CollectionSchema } from './store.ts'

/**
 * The form in which an index is stored: layout, ids, terms, dates, hashes and fingerprints, which change together.
 * 1 is what 0.1.0 wrote. `docs/upgrading.md` says what each number changed.
 */
export const format = 2

/** The form that something stored says it has, as a schema says it: only an older one is said. `package-outdated` for one of a later version. */
export function readFormat(stored: number, where: string): Pick<CollectionSchema, 'format'> {
  if (stored > format) {
    throw new QontrastError(
      'package-outdated',
      `${where} was written by a later version of qontrast (format ${stored}; this version knows up to ${format}). Upgrade the package: npm install qontrast@latest.`,
    )
  }
  return stored < format ? { format: stored } : {}
}

export function isOutdated(schema: CollectionSchema): boolean {
  return schema.format !== undefined && schema.format < format
}

/** Throws `index-outdated` for an index of an older form, with the command that brings it over. */
export function refuseOutdated(index: string, schema: CollectionSchema): void {
  if (isOutdated(schema)) throw indexOutdated(index, schema)
}

function indexOutdated(index: string, { format: stored }: CollectionSchema): QontrastError {
  return new QontrastError(
    'index-outdated',
    `Index '${index}' is in an older form (${stored}; this version writes ${format}). Nothing of it is lost: ` +
      `qontrast upgrade --index ${index} brings it over, beside the old form, which stays until it is dropped.`,
  )
}
