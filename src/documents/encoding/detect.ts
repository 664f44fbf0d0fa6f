import { normalizeEncoding, TextDecoder } from '@exodus/bytes/encoding.js'
import { QontrastError } from '../../shared/index.ts'
import { isPlausible } from './plausible.ts'
import { scanUtf8 } from './scan-utf8.ts'

/** How much of a file the detection looks at. */
export const sampleBytes = 256 * 1024

export interface Sample {
  readonly bytes: Uint8Array
  /** True where the file ends with the sample. */
  readonly complete: boolean
  /** How files are read that are no UTF-8, instead of by what they look like. */
  readonly encoding?: string | undefined
  /** Bytes and line feeds of the file before the sample. */
  readonly offset?: number
  readonly lines?: number
}

const remedy =
  "Save it as UTF-8, or name its encoding (--encoding, the option encoding; such as 'latin1', 'shift_jis')."

/** The name that the Encoding Standard has for an encoding. `invalid-option` for what it does not have. */
export function encodingNamed(label: string): string {
  const name = normalizeEncoding(label)
  if (name && name !== 'replacement') return name
  throw new QontrastError(
    'invalid-option',
    `The encoding '${label}' is not known. Known are those of the Encoding Standard: utf-8, utf-16le, latin1, windows-1250 to 1258, iso-8859-2 to 16, koi8-r, ibm866, macintosh, shift_jis, euc-jp, gbk, gb18030, big5, euc-kr and others.`,
  )
}

/**
 * The encoding of a text from its beginning: that of a byte order mark, UTF-8 where it is valid, else the one asked for, else what it looks
 * like. `file-unreadable` where it is binary, UTF-8 with broken bytes, or nothing that can be told with certainty.
 */
export async function detectEncoding(sample: Sample): Promise<string> {
  const { bytes, complete, encoding } = sample
  const asked = encoding === undefined ? undefined : encodingNamed(encoding)
  const marked = sample.offset ? undefined : byteOrderMark(bytes)
  if (marked) return marked
  if (asked && notOverAscii.test(asked)) return asked
  if (bytes.includes(0)) return utf16OrBinary(bytes, complete)
  if (isBinary(bytes)) throw unreadable('it is binary, no text.')
  const shifted = shiftedEncoding(bytes)
  if (shifted) return shifted
  const scan = scanUtf8(bytes, complete)
  if (scan.broken === 0) return 'utf-8'
  if (asked && asked !== 'utf-8') return asked
  const { multibyte, broken, cut, firstBroken = 0 } = scan
  if (asked === 'utf-8' || broken === cut || multibyte >= 0.6 * (multibyte + broken)) {
    throw brokenUtf8(bytes, firstBroken, sample)
  }
  return legacyEncoding(bytes, complete, (tried) => undetected(bytes, firstBroken, sample, tried))
}

/** Encodings in which ASCII is not written as ASCII. */
const notOverAscii = /^(?:utf-16|iso-2022)/

const marks: readonly { readonly bytes: readonly number[]; readonly encoding: string }[] = [
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe, 0, 0], encoding: 'UTF-32' },
  { bytes: [0, 0, 0xfe, 0xff], encoding: 'UTF-32' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
]

function byteOrderMark(bytes: Uint8Array): string | undefined {
  const mark = marks.find((one) => one.bytes.every((byte, i) => bytes[i] === byte))
  if (mark?.encoding === 'UTF-32') throw unreadable('it is UTF-32, which is not read. Save it as UTF-8.')
  return mark?.encoding
}

/** UTF-16 without a mark is known by the zero bytes of its spaces, line ends and digits. */
function utf16OrBinary(bytes: Uint8Array, complete: boolean): string {
  const even = complete ? bytes : bytes.subarray(0, bytes.length - (bytes.length % 2))
  const zeros = even.reduce((sum, byte) => (byte === 0 ? sum + 1 : sum), 0)
  const fits = ['utf-16le', 'utf-16be'].flatMap((encoding) => {
    const text = decoded(even, encoding, complete)
    if ((text?.match(/[\t\n\r -\u00ff]/g)?.length ?? 0) < Math.max(1, zeros / 5)) return []
    const spaces = text?.match(/[ \n\u3000]/gu)?.length ?? 0
    return text !== undefined && isPlausible(text, encoding, null) ? [{ encoding, spaces, length: text.length }] : []
  })
  const [best, other] = fits.sort((a, b) => b.spaces - a.spaces)
  if (best && (!other || best.spaces > other.spaces)) return best.encoding
  if (best) throw unreadable(`it is UTF-16 of which the byte order cannot be told. ${remedy}`)
  throw unreadable('it holds NUL bytes, so it is binary, no text.')
}

/** Control characters that texts do not hold. */
function isBinary(bytes: Uint8Array): boolean {
  let controls = 0
  for (const byte of bytes) if (byte < 7 || (byte > 13 && byte < 26) || (byte > 27 && byte < 32)) controls += 1
  return controls > bytes.length / 100
}

/** Encodings of seven bits that shift between alphabets by escape sequences. */
function shiftedEncoding(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
  const sequence = /\x1b(?:\$\)[A-Z]|\$[@AB(]|\([BIJ])/.exec(start)
  if (!sequence || /[\x80-\xff]/.test(start)) return undefined
  if (sequence[0].startsWith('\x1b$)'))
    throw unreadable('it is ISO-2022-KR or ISO-2022-CN, which is not read. Save it as UTF-8.')
  return decoded(bytes, 'iso-2022-jp', false) === undefined ? undefined : 'iso-2022-jp'
}

/** Names of the detector that the Encoding Standard has under another. */
const standardNames: Readonly<Record<string, string>> = {
  cp874: 'windows-874',
  'tis-620': 'windows-874',
  cp932: 'shift_jis',
  shift_jis_2004: 'shift_jis',
  cp949: 'euc-kr',
  big5hkscs: 'big5',
  'euc-jis-2004': 'euc-jp',
  gb2312: 'gb18030',
  macroman: 'macintosh',
  maccyrillic: 'x-mac-cyrillic',
  'iso-8859-1': 'windows-1252',
}
/** Of old systems: taken only where they fit clearly better than those of the web. */
const ofOldSystems = /^(?:ibm866|macintosh|x-mac-cyrillic|iso-8859-(?:3|4|10|13|14))$/
const manyBytes = /^(?:shift_jis|euc-jp|euc-kr|big5|gb18030|gbk)$/
const leastConfidence = 0.05
/** How much better than any other: less for what most old files are written in. */
const margin = (encoding: string) => (encoding === 'windows-1252' ? 1.05 : 1.2)

interface Candidate {
  readonly shown: string
  /** Nothing for those that the Encoding Standard does not have, and that are not read therefore. */
  readonly encoding: string | null
  readonly text: string | undefined
  readonly confidence: number
  readonly old: boolean
}

/** The encoding in which a text reads best, where no other plausible reading comes near. */
async function legacyEncoding(
  bytes: Uint8Array,
  complete: boolean,
  undecided: (tried: readonly string[]) => QontrastError,
): Promise<string> {
  const sample = surroundings(bytes)
  const candidates = await plausibleReadings(sample, complete && bytes.length < 16_384)
  const [first] = candidates
  const current = candidates.find(({ old }) => !old)
  const best = first?.encoding && first.confidence > 1.1 * (current?.confidence ?? 0) ? first : current
  if (!best?.encoding || best.confidence < leastConfidence) throw undecided(candidates.map(({ shown }) => shown))
  const least = margin(best.encoding)
  const rival = candidates.find(
    ({ text, confidence, old }) =>
      (text === undefined || text !== best.text) && confidence * (old && !best.old ? 0.98 : least) > best.confidence,
  )
  if (rival) throw undecided([best.shown, rival.shown])
  return best.encoding
}

/** What the detector finds, most certain first, less what reads oddly. */
async function plausibleReadings(sample: Uint8Array, complete: boolean): Promise<Candidate[]> {
  const { chardet } = await import('jschardet')
  const beyondAscii = sample.reduce((sum, byte) => (byte > 0x7f ? sum + 1 : sum), 0)
  const found = chardet.detectAll(sample, {
    encodingEra: chardet.EncodingEra.ALL & ~chardet.EncodingEra.MAINFRAME,
    ignoreThreshold: true,
  })
  return found.flatMap(({ encoding: shown, confidence, language }): Candidate[] => {
    if (shown === null || /^(?:ascii|utf)/i.test(shown)) return []
    const encoding = normalizeEncoding(standardNames[shown.toLowerCase()] ?? shown.replace(/^iso8859/i, 'iso-8859'))
    if (encoding === null) return [{ shown, encoding, text: undefined, confidence, old: true }]
    if (manyBytes.test(encoding) && beyondAscii < 4) return []
    const text = decoded(sample, encoding, complete)
    if (text === undefined || !isPlausible(text, encoding, language)) return []
    return [{ shown, encoding, text, confidence, old: ofOldSystems.test(encoding) }]
  })
}

/** The lines that are not all ASCII, less the signs of tables and code: words alone tell encodings apart. */
function surroundings(bytes: Uint8Array): Uint8Array {
  const lines: Uint8Array[] = []
  let length = 0
  for (let start = 0; start < bytes.length && length < 65_536; ) {
    const feed = bytes.indexOf(10, start)
    const end = feed < 0 ? bytes.length : feed + 1
    const line = bytes.subarray(start, Math.min(end, start + 16_384))
    if (line.some((byte) => byte > 0x7f)) {
      lines.push(line)
      length += line.length
    }
    start = end
  }
  const words = Buffer.concat(lines).toString('latin1')
  return Buffer.from(words.replace(/(?<![\x80-\xff])[!-@[-`{-~]+/g, ' '), 'latin1')
}

function decoded(bytes: Uint8Array, encoding: string, complete: boolean): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: !complete })
  } catch {
    return undefined
  }
}

function unreadable(reason: string): QontrastError {
  return new QontrastError('file-unreadable', reason)
}

/** The error for UTF-8 with a byte that is none. */
export function brokenUtf8(
  bytes: Uint8Array,
  at: number,
  place: { offset?: number; lines?: number } = {},
): QontrastError {
  return unreadable(
    `it is UTF-8 with a broken byte: ${placeOf(bytes, at, place)}. Mend it there, or name its encoding (--encoding).`,
  )
}

function undetected(bytes: Uint8Array, at: number, place: Sample, tried: readonly string[]): QontrastError {
  const names = [...new Set(tried)].slice(0, 4).join(', ')
  const outcome =
    names === ''
      ? 'and no encoding fits it for certain'
      : `and its encoding cannot be told for certain (tried: ${names})`
  return unreadable(`it is no UTF-8 (${placeOf(bytes, at, place)}), ${outcome}. ${remedy}`)
}

/** `byte 0xE9 at offset 17, line 2`. */
export function placeOf(
  bytes: Uint8Array,
  at: number,
  { offset = 0, lines = 0 }: { offset?: number; lines?: number },
): string {
  let line = lines + 1
  for (let i = bytes.indexOf(10); i >= 0 && i < at; i = bytes.indexOf(10, i + 1)) line += 1
  const byte = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0')
  return `byte 0x${byte} at offset ${offset + at}, line ${line}`
}
