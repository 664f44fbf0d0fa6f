import { dateForms, type JsonObject, momentOf, own, QontrastError } from '../../shared/index.ts'
import type { FieldType } from '../filter/fields.ts'
import { refuseOutdated } from './format.ts'
import { type CollectionSchema, type Point, unknownEncoder } from './store.ts'

/** True for a collection that something else made: nothing says which encoder, and it has no words of ours to rank by. */
export function isUnknown({ encoder }: CollectionSchema): boolean {
  return encoder.fingerprint === unknownEncoder.fingerprint
}

/** A collection is opened with the encoder and the fields it was made with, and in the form of today. */
export function checkSameSchema(name: string, existing: CollectionSchema, asked: CollectionSchema): void {
  refuseOutdated(name, existing)
  if (!isUnknown(existing) && existing.encoder.fingerprint !== asked.encoder.fingerprint) {
    const { encoder: made } = existing
    const { encoder: given } = asked
    const changed =
      existing.dimensions === asked.dimensions
        ? 'The model has changed since, or is opened with other settings (dtype).'
        : `It has ${existing.dimensions} dimensions there, ${asked.dimensions} here.`
    const remedy = made.name === given.name ? changed : `Open it with '${made.name}'.`
    throw new QontrastError(
      'encoder-mismatch',
      `Index '${name}' was made with the encoder '${made.name}' (${made.fingerprint.slice(0, 8)}), not with '${given.name}' (${given.fingerprint.slice(0, 8)}): ` +
        `their vectors cannot be compared. ${remedy} To put the index on this encoder, from the texts it holds: qontrast reindex --index ${name} --model ${given.name}.`,
    )
  }
  if (existing.dimensions !== asked.dimensions) {
    throw new QontrastError(
      'dimension-mismatch',
      `Index '${name}' has vectors of ${existing.dimensions} dimensions, not ${asked.dimensions}.`,
    )
  }
  for (const [field, type] of Object.entries(asked.fields)) {
    const made = own(existing.fields, field)
    if (made !== type) {
      throw new QontrastError(
        'invalid-option',
        `Index '${name}' was made with the field ${JSON.stringify(field)} ${made ? `as ${made}` : 'undeclared'}, not as ${type}. Fields are declared when an index is made.`,
      )
    }
  }
}

/** Vectors and payloads are checked before anything is written: `dimension-mismatch` or `invalid-input`. */
export function checkPoint(point: Point, { dimensions, fields }: CollectionSchema): void {
  const name = `point ${JSON.stringify(point.id.slice(0, 80))}`
  if (point.vector.length !== dimensions) {
    throw new QontrastError(
      'dimension-mismatch',
      `The vector of ${name} has ${point.vector.length} dimensions; the collection has ${dimensions}.`,
    )
  }
  if (!point.vector.every(Number.isFinite))
    throw new QontrastError('invalid-input', `The vector of ${name} holds NaN or infinity.`)
  const problem = fieldProblem(point.payload, fields)
  if (problem) throw new QontrastError('invalid-input', `${name}: ${problem}`)
}

const isString = (value: unknown) => typeof value === 'string'
const isDate = (value: unknown) => typeof value === 'string' && momentOf(value) !== undefined
const typeProblems: Record<FieldType, (value: unknown) => string | undefined> = {
  keyword: (value) => ([value].flat().every(isString) ? undefined : 'holds something else than strings'),
  number: (value) => (typeof value === 'number' ? undefined : 'is not one number'),
  boolean: (value) => (typeof value === 'boolean' ? undefined : 'is not true or false'),
  date: (value) => {
    const wrong = [value].flat().find((element) => !isDate(element))
    return wrong === undefined
      ? undefined
      : `holds ${JSON.stringify(wrong).slice(0, 80)}, which is no date (${dateForms})`
  },
}

/** What is wrong with a payload whose fields are declared; undefined where nothing is. */
export function fieldProblem(payload: JsonObject, fields: CollectionSchema['fields']): string | undefined {
  for (const [field, type] of Object.entries(fields)) {
    const value = own(payload, field)
    const problem = value === undefined || value === null ? undefined : typeProblems[type](value)
    if (problem) return `field ${JSON.stringify(field)} is declared as ${type} and ${problem}.`
  }
  return undefined
}
