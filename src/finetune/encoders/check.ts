import { QontrastError } from '../../shared/index.ts'

/** `invalid-option` with what is expected, where that does not hold. */
export function check(holds: boolean, expected: string): void {
  if (!holds) throw new QontrastError('invalid-option', `${expected}.`)
}
