/** What a stretch of bytes is as UTF-8. */
export interface Utf8Scan {
  /** Characters of two bytes and more. */
  readonly multibyte: number
  /** Places that are no UTF-8, and those of them that begin a character rightly and break off after two bytes or three. */
  readonly broken: number
  readonly cut: number
  readonly firstBroken: number | undefined
}

/** Goes through bytes as UTF-8; where they are not `complete`, a character that the end cuts is no fault. */
export function scanUtf8(bytes: Uint8Array, complete: boolean): Utf8Scan {
  let [multibyte, broken, cut] = [0, 0, 0]
  let firstBroken: number | undefined
  let i = 0
  while (i < bytes.length) {
    const lead = bytes[i] ?? 0
    if (lead < 0x80) {
      i += 1
      continue
    }
    const wanted = followers(lead)
    let found = 0
    while (found < wanted && follows(lead, found, bytes[i + 1 + found])) found += 1
    if (wanted > 0 && found === wanted) multibyte += 1
    else if (complete || wanted === 0 || i + 1 + found < bytes.length) {
      firstBroken ??= i
      broken += 1
      if (found > 0) cut += 1
    }
    i += 1 + found
  }
  return { multibyte, broken, cut, firstBroken }
}

function followers(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 1
  if (lead >= 0xe0 && lead <= 0xef) return 2
  return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0
}

/** Second bytes that would be overlong forms, surrogates or beyond U+10FFFF are none. */
const second: Readonly<Record<number, readonly [number, number]>> = {
  224: [0xa0, 0xbf],
  237: [0x80, 0x9f],
  240: [0x90, 0xbf],
  244: [0x80, 0x8f],
}

function follows(lead: number, index: number, byte: number | undefined): boolean {
  const [low, high] = (index === 0 ? second[lead] : undefined) ?? [0x80, 0xbf]
  return byte !== undefined && byte >= low && byte <= high
}
