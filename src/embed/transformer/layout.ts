import { QontrastError } from '../../shared/index.ts'

/** Texts of one batch as token ids, one after the other without padding. */
export interface TokenBatch {
  readonly ids: Int32Array
  /** `[texts]` tokens of each text, and how many of its first tokens are not pooled. */
  readonly lengths: Int32Array
  readonly skips: Int32Array
}

export interface Padding {
  readonly padId: number
  readonly padSide: 'left' | 'right'
}

/** Texts side by side in a rectangle. */
export interface PaddedLayout {
  readonly sequence: number
  /** `[texts × sequence]` */
  readonly ids: Int32Array
  /** First position of each text within its row. */
  readonly offsets: Int32Array
  readonly lengths: Int32Array
}

export function padded({ ids, lengths }: TokenBatch, { padId, padSide }: Padding): PaddedLayout {
  const sequence = Math.max(...lengths)
  const values = new Int32Array(lengths.length * sequence).fill(padId)
  const offsets = lengths.map((length) => (padSide === 'left' ? sequence - length : 0))
  let taken = 0
  lengths.forEach((length, text) => {
    values.set(ids.subarray(taken, taken + length), text * sequence + offsets[text]!)
    taken += length
  })
  return { sequence, ids: values, offsets, lengths }
}

/** How each input of a text encoder is filled, by its name. */
export const inputValues: Record<string, (layout: PaddedLayout) => Int32Array> = {
  input_ids: ({ ids }) => ids,
  attention_mask: (layout) => perToken(layout, () => 1),
  token_type_ids: ({ ids }) => new Int32Array(ids.length),
  position_ids: (layout) => perToken(layout, (position) => position),
}

function perToken(
  { ids, offsets, lengths, sequence }: PaddedLayout,
  valueAt: (position: number) => number,
): Int32Array {
  const values = new Int32Array(ids.length)
  lengths.forEach((length, text) => {
    const base = text * sequence + offsets[text]!
    for (let position = 0; position < length; position++) values[base + position] = valueAt(position)
  })
  return values
}

/** `model-invalid` for an input that a text encoder is never given. */
export function checkInputs(names: readonly string[]): void {
  const unknown = names.filter((name) => !(name in inputValues))
  if (unknown.length === 0) return
  throw new QontrastError(
    'model-invalid',
    `The model wants the input ${unknown.join(', ')}; a text encoder is given ${Object.keys(inputValues).join(', ')}.`,
  )
}
