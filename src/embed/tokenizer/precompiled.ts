/** Longest grapheme, in bytes, that is looked up as a whole. */
const longestGrapheme = 5

/**
 * SentencePiece's precompiled normalization: a double-array trie of UTF-8 strings, and what each becomes
 * (https://github.com/google/sentencepiece/blob/master/src/normalizer.cc). An empty map changes nothing.
 */
export function createPrecompiled(base64: string): (text: string) => string {
  const map = Buffer.from(base64, 'base64')
  if (map.length < 4) return (text) => text
  const size = map.readUInt32LE(0)
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => map.readUInt32LE(4 + i * 4))
  const replacements = map.subarray(4 + size)
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

  return (text) => {
    let out = ''
    for (const { segment } of graphemes.segment(text)) {
      const whole = Buffer.byteLength(segment) <= longestGrapheme ? lookUp(segment) : undefined
      if (whole !== undefined) out += whole
      else for (const character of segment) out += lookUp(character) ?? character
    }
    return out
  }

  /** What the shortest stored beginning of a string becomes, as the reference takes it; undefined where none is stored. */
  function lookUp(text: string): string | undefined {
    const first = units[0] ?? 0
    let node = offsetOf(first)
    for (const byte of Buffer.from(text)) {
      node ^= byte
      const unit = units[node] ?? 0
      if ((unit & 0x800000ff) >>> 0 !== byte) return undefined
      node ^= offsetOf(unit)
      if ((unit >>> 8) & 1) return replacementAt((units[node] ?? 0) & 0x7fffffff)
    }
    return undefined
  }

  function replacementAt(start: number): string {
    const end = replacements.indexOf(0, start)
    return replacements.toString('utf8', start, end < 0 ? replacements.length : end)
  }
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6)
}
