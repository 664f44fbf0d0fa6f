import { QontrastError } from '../shared/index.ts'

/** A picture or a sound: a file on this machine, or its bytes; `type` is the media type where it is known. */
export type Media = { readonly path: string } | { readonly bytes: Uint8Array; readonly type?: string }

/** What can be embedded: a text, a picture, a sound. */
export type Input = string | MediaInput

export type MediaInput = { readonly image: Media } | { readonly audio: Media }

export type Modality = 'text' | 'image' | 'audio'

/** Modalities that are given as an object, by its key. */
const keyed = ['image', 'audio'] as const

/** What an input is; undefined where it is no input at all. */
export function modalityOf(input: unknown): Modality | undefined {
  if (typeof input === 'string') return 'text'
  if (typeof input !== 'object' || input === null) return undefined
  const found = keyed.filter((key) => key in input)
  return found.length === 1 ? found[0] : undefined
}

/** `invalid-input` names the first input that is none, or that is of a modality which the encoder does not accept. */
export function checkInputs(inputs: readonly unknown[], accepts: ReadonlySet<Modality>): void {
  const accepted = [...accepts].map((modality) => forms[modality]).join(' and ')
  if (!Array.isArray(inputs)) {
    throw new QontrastError(
      'invalid-input',
      `encode takes an array of ${accepted}, got ${kindOf(inputs)}. Wrap a single one: encode([input]).`,
    )
  }
  for (const [position, input] of inputs.entries()) {
    const modality = modalityOf(input)
    if (modality && accepts.has(modality)) continue
    const given = modality ? `of the modality ${modality}` : kindOf(input)
    throw new QontrastError(
      'invalid-input',
      `encode takes ${accepted} with this encoder; input ${position} is ${given}.`,
    )
  }
}

const forms: Readonly<Record<Modality, string>> = {
  text: 'strings',
  image: 'images ({ image: … })',
  audio: 'sounds ({ audio: … })',
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}
