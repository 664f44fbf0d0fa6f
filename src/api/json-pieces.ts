/** UTF-16 units of a piece, about; what costs more is written in several. */
const pieceUnits = 16_384
const numbersAtOnce = 512

/** What `JSON.stringify` gives for data, in pieces that are each written in well under a millisecond. */
export function* jsonPieces(value: unknown): Generator<string, void, undefined> {
  let piece = ''
  for (const part of parts(value)) {
    piece += part
    if (piece.length < pieceUnits) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

/** Whether a value fits into a piece. Looks no further than that. */
export function fitsPiece(value: unknown): boolean {
  return left(value, pieceUnits) >= 0
}

function* parts(value: unknown): Generator<string, void, undefined> {
  if (fitsPiece(value)) yield JSON.stringify(value) ?? 'null'
  else if (typeof value === 'string') yield* partsOfString(value)
  else if (Array.isArray(value)) yield* partsOfList(value)
  else if (isPlain(value)) yield* partsOfObject(value)
  else yield JSON.stringify(value) ?? 'null'
}

function* partsOfList(list: readonly unknown[]): Generator<string, void, undefined> {
  yield '['
  for (let start = 0; start < list.length; ) {
    const numbers = numbersFrom(list, start)
    if (start > 0) yield ','
    if (numbers.length > 0) yield JSON.stringify(numbers).slice(1, -1)
    else yield* parts(list[start])
    start += Math.max(1, numbers.length)
  }
  yield ']'
}

function* partsOfObject(object: Readonly<Record<string, unknown>>): Generator<string, void, undefined> {
  let before = '{'
  for (const [key, value] of Object.entries(object)) {
    if (isLeftOut(value)) continue
    yield `${before}${JSON.stringify(key)}:`
    yield* parts(value)
    before = ','
  }
  yield before === '{' ? '{}' : '}'
}

/** Cut where no pair of surrogates is torn apart: half of one is escaped. */
function* partsOfString(text: string): Generator<string, void, undefined> {
  yield '"'
  for (let start = 0; start < text.length; ) {
    const end = start + pieceUnits
    const cut = isHighSurrogate(text.charCodeAt(end - 1)) ? end + 1 : end
    yield JSON.stringify(text.slice(start, cut)).slice(1, -1)
    start = cut
  }
  yield '"'
}

/** The numbers that stand in a row from here on, as many as are written at once. */
function numbersFrom(list: readonly unknown[], start: number): number[] {
  const numbers: number[] = []
  for (let i = start; i < list.length && numbers.length < numbersAtOnce; i++) {
    const value = list[i]
    if (typeof value !== 'number') break
    numbers.push(value)
  }
  return numbers
}

/** What a value leaves of so many units; below 0 as soon as it needs more. */
function left(value: unknown, units: number): number {
  if (typeof value === 'string') return units - value.length
  if (typeof value === 'number') return units - 12
  if (Array.isArray(value)) {
    let rest = units - 2
    for (let i = 0; i < value.length && rest >= 0; i++) rest = left(value[i], rest) - 1
    return rest
  }
  if (typeof value !== 'object' || value === null) return units - 4
  let rest = units - 2
  for (const key of Object.keys(value)) {
    if (rest < 0) break
    rest = left(Reflect.get(value, key), rest - key.length - 4)
  }
  return rest
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isLeftOut(value: unknown): boolean {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol'
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
