import { QontrastError } from '../../shared/index.ts'

/** Characters of a passage, at the least: each keeps a copy of its document's payload. */
const passageCharacters = 300
/** Of a payload that is small enough for any document. */
const smallCharacters = 4_096
const mostCharacters = 64 * 2 ** 20

/** Characters that the copies of a payload come to, about; 0 for what cannot be read, which is refused later. */
export function payloadCopies({ text, payload }: { readonly text?: unknown; readonly payload?: unknown }): number {
  const passages = typeof text === 'string' ? Math.ceil(text.length / passageCharacters) : 1
  return passages * charactersOf(payload)
}

/** `invalid-input` for a large payload with a long text: together they would take up memory and disk out of all proportion. */
export function checkPayloadCopies(document: { readonly text: string; readonly payload?: unknown }): void {
  const characters = charactersOf(document.payload)
  const copies = payloadCopies(document)
  if (characters <= smallCharacters || copies <= mostCharacters) return
  throw new QontrastError(
    'invalid-input',
    `payload has ${characters} characters, of which each passage of the text keeps a copy, about ${copies} in all; at most ${mostCharacters}. Keep less in it, or put the text in parts.`,
  )
}

function charactersOf(payload: unknown): number {
  try {
    return payload === undefined ? 0 : (JSON.stringify(payload)?.length ?? 0)
  } catch {
    return 0
  }
}
