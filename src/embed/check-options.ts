import { checkOptionKeys, QontrastError } from '../shared/index.ts'
import { type EncodeOptions, encodeKeys } from './encoder.ts'

const purposes = ['query', 'document']

/** `invalid-option` for an option that encode does not know, or a purpose that is none. */
export function checkEncodeOptions(options: EncodeOptions): void {
  checkOptionKeys('encode', options, encodeKeys)
  const { purpose } = options
  if (purpose !== undefined && !purposes.includes(purpose))
    throw new QontrastError('invalid-option', `purpose must be one of ${purposes.join(', ')}; got ${String(purpose)}.`)
}
