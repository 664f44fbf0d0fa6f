import { checkOptionKeys, QontrastError } from '../shared/index.ts'
import { type EncodeOptions, encodeKeys } from './encoder.ts'

/** Encoders take strings only: `invalid-input` names the first input that is none. */
export function checkTexts(texts: readonly unknown[]): asserts texts is readonly string[] {
  if (!Array.isArray(texts)) {
    throw new QontrastError(
      'invalid-input',
      `encode takes an array of strings, got ${typeof texts}. Wrap a single text: encode([text]).`,
    )
  }
  const position = texts.findIndex((text) => typeof text !== 'string')
  if (position >= 0) {
    throw new QontrastError(
      'invalid-input',
      `encode takes strings; input ${position} is ${texts[position] === null ? 'null' : typeof texts[position]}.`,
    )
  }
}

const purposes = ['query', 'document']

/** `invalid-option` for an option that encode does not know, or a purpose that is none. */
export function checkEncodeOptions(options: EncodeOptions): void {
  checkOptionKeys('encode', options, encodeKeys)
  const { purpose } = options
  if (purpose !== undefined && !purposes.includes(purpose))
    throw new QontrastError('invalid-option', `purpose must be one of ${purposes.join(', ')}; got ${String(purpose)}.`)
}
