import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { z } from 'zod'
import { type Document, type ErrorCode, type OptionKeys, QontrastError, type Section } from '../../shared/index.ts'
import { keptPayload } from '../payload/payload.ts'
import { checkPayloadCopies } from '../payload/payload-copies.ts'
import { fieldProblem } from '../stores/check.ts'
import type { CollectionSchema } from '../stores/store.ts'
import { type Chunking, chunkingTag } from '../text/chunk-settings.ts'
import { idBytes, longestId } from './id-bytes.ts'

/** A document that passed the checks, with the hash that tells whether it or its settings changed. */
export interface PreparedDocument {
  readonly document: Document
  readonly chunk: Chunking
  readonly hash: string
}

export interface Failure {
  readonly id: string
  readonly code: ErrorCode
  readonly reason: string
}

const documentKeys: ReadonlySet<string> = new Set(
  Object.keys({
    id: true,
    replaces: true,
    text: true,
    title: true,
    payload: true,
    sections: true,
  } satisfies OptionKeys<Document>),
)
const sectionsSchema = z.array(
  z.object({
    start: z.int().nonnegative(),
    heading: z.string().exactOptional(),
    line: z.int().positive().exactOptional(),
    page: z.int().positive().exactOptional(),
  }),
)

/** Checks a document as it comes from outside; throws `invalid-input` with what to correct. */
export function prepareDocument(input: unknown, fields: CollectionSchema['fields'], chunk: Chunking): PreparedDocument {
  const document = checkDocument(input)
  const problem = fieldProblem(document.payload ?? {}, fields)
  if (problem) throw new QontrastError('invalid-input', problem)
  if (chunk !== false) checkPayloadCopies(document)
  const { title, text, payload, sections } = document
  const hash = createHash('sha256')
    .update(JSON.stringify([title, text, payload, sections]))
    .digest('hex')
    .slice(0, 32)
  return { document, chunk, hash: hash + chunkingTag(chunk) }
}

/** The document with its id as a string, where a number or a BigInt gives one: an integer by its digits, if it has all of them. */
export function withStringId<T>(input: T): T {
  if (!isObject(input) || !('id' in input)) return input
  const { id } = input
  const keepsDigits =
    typeof id === 'number' && Number.isFinite(id) && (Number.isSafeInteger(id) || !Number.isInteger(id))
  return keepsDigits || typeof id === 'bigint' ? { ...input, id: String(id) } : input
}

/** The id to report a failed document by, whatever it is: whole where it could be one. */
export function nameOf(input: unknown): string {
  const id = isObject(input) && 'id' in input ? input.id : undefined
  if (typeof id !== 'string') return id === undefined ? '(no id)' : `(${shown(id)})`
  return idBytes(id) > longestId ? id.slice(0, 200) : id
}

function checkDocument(input: unknown): Document {
  const refuse = (reason: string): never => {
    throw new QontrastError('invalid-input', reason)
  }
  if (!isDocumentLike(input))
    return refuse(`a document is { id, text, title?, payload? }; got ${input === null ? 'null' : typeof input}.`)
  const stranger = Object.keys(input).find((key) => !documentKeys.has(key))
  if (stranger !== undefined)
    return refuse(
      `a document has no ${JSON.stringify(stranger.slice(0, 80))}: what it should keep goes into its payload.`,
    )
  const { id, replaces, text, title, payload, sections } = input
  if (typeof id !== 'string' || id === '')
    return refuse(
      `id must be a string that is not empty, a number or a BigInt; got ${id === undefined ? 'none' : shown(id)}.`,
    )
  if (idBytes(id) > longestId) return refuse(`id has ${idBytes(id)} bytes; at most ${longestId}.`)
  if (replaces !== undefined && (typeof replaces !== 'string' || replaces === '' || replaces === id))
    return refuse(`replaces must be the id that the document had before; got ${shown(replaces)}.`)
  if (typeof text !== 'string') return refuse(`text must be a string; got ${typeof text}.`)
  if (text.trim() === '') return refuse('text is empty.')
  const name = titleOf(title)
  if (name === null) return refuse(`title must be a string; got ${typeof title}.`)
  if (payload !== undefined && !isObject(payload))
    return refuse(`payload must be an object; got ${Array.isArray(payload) ? 'a list' : typeof payload}.`)
  const kept = payload === undefined ? undefined : keptPayload(payload)
  return {
    id,
    text,
    ...(replaces === undefined ? {} : { replaces }),
    ...(name === undefined ? {} : { title: name }),
    ...(kept === undefined ? {} : { payload: kept }),
    ...(sections === undefined ? {} : { sections: checkSections(sections, text) }),
  }
}

/** Numbers and booleans become their strings; null for what is no title. */
function titleOf(title: unknown): string | undefined | null {
  if (title === undefined || typeof title === 'string') return title
  return ['number', 'bigint', 'boolean'].includes(typeof title) ? String(title) : null
}

/** Sections in ascending order, none of them beginning inside a character. */
function checkSections(input: unknown, text: string): readonly Section[] {
  const { data: sections, error } = sectionsSchema.safeParse(input)
  if (error) throw new QontrastError('invalid-input', `sections: ${z.prettifyError(error)}`)
  for (const [i, { start }] of sections.entries()) {
    if (start < (sections[i - 1]?.start ?? 0) || start > text.length) {
      throw new QontrastError(
        'invalid-input',
        `sections must begin one after the other, within the text of ${text.length} characters; section ${i} begins at ${start}.`,
      )
    }
    if (start > 0 && (text.codePointAt(start - 1) ?? 0) > 0xffff) {
      throw new QontrastError('invalid-input', `section ${i} begins at ${start}, inside a character.`)
    }
  }
  return sections
}

/** Whatever it is, in a few characters. */
function shown(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY }).slice(0, 80)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isDocumentLike(
  value: unknown,
): value is Partial<Record<'id' | 'replaces' | 'text' | 'title' | 'payload' | 'sections', unknown>> {
  return isObject(value)
}
