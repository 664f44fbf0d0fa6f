import { z } from 'zod'
import { QontrastError } from '../../shared/index.ts'

/** Types of declared payload fields. */
export const fieldTypes = ['keyword', 'number', 'boolean', 'date'] as const

/** Fields that one index may declare. */
export const mostFields = 256

/** Type of a declared payload field; a declared field is indexed, so filters on it stay fast. */
export type FieldType = (typeof fieldTypes)[number]

/** Declared fields by name; any name may be one, `constructor` and `__proto__` too. */
export type Fields = Readonly<Record<string, FieldType>>

/** Declared fields as they come from outside. A record of zod's would lose a field named `__proto__`. */
export const fieldsSchema = z.custom<Fields>((value) => fieldsProblem(value) === undefined, {
  error: ({ input }) => fieldsProblem(input) ?? 'is wrong',
})

/** Throws `invalid-option` for fields that are declared as something that no field can be. */
export function checkFields(fields: unknown): void {
  const problem = fieldsProblem(fields)
  if (problem) throw new QontrastError('invalid-option', `fields: ${problem}.`)
}

/** What is wrong with declared fields; undefined where nothing is. */
export function fieldsProblem(fields: unknown): string | undefined {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    return `expected names with types, such as { year: 'number' }; got ${fields === null ? 'null' : Array.isArray(fields) ? 'a list' : typeof fields}`
  const { length } = Object.keys(fields)
  if (length > mostFields) return `${length} fields are declared; at most ${mostFields}`
  for (const [name, type] of Object.entries(fields)) {
    if (fieldTypes.some((known) => known === type)) continue
    return `${JSON.stringify(name)} has the type ${typeof type === 'string' ? JSON.stringify(type) : typeof type}; a field is one of ${fieldTypes.join(', ')}`
  }
  return undefined
}
