import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { QontrastError } from '../../shared/index.ts'

/** What of an ONNX file must be known before it is run. */
export interface OnnxOutline {
  /** In files of the first versions, weights among them. */
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  /** Names of the files that hold weights, relative to the ONNX file, as it names them. */
  readonly external: readonly string[]
}

export interface OnnxValue {
  readonly name: string
  /** Number of its dimensions, where the file says so. */
  readonly rank: number | undefined
  /** Number of its element type, as ONNX has them: 1 for float32, 6 for int32, 7 for int64. */
  readonly elementType: number | undefined
}

type Message = keyof typeof messages
/** Which fields of a message are looked into, and as what: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const messages = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 11: 'input', 12: 'output', 15: 'sparse' },
  subgraph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'subgraph', 10: 'tensor', 11: 'subgraph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
  entry: { 1: 'text', 2: 'text' },
  input: { 1: 'text', 2: 'type' },
  output: { 1: 'text', 2: 'type' },
  type: { 1: 'tensorType' },
  tensorType: { 2: 'shape' },
  shape: { 1: 'dim' },
  dim: {},
  text: {},
} as const satisfies Record<string, Record<number, string>>

interface Found {
  readonly message: Message
  readonly fields: { readonly field: number; readonly found: Found }[]
  readonly numbers: Map<number, number>
  text: string
}

const windowBytes = 1 << 16
const externalLocation = 1

/** Reads names out of an ONNX file and passes over its weights, however large they are. `model-invalid` where it is truncated. */
export function readOnnxOutline(file: string): OnnxOutline {
  const source = openSync(file, 'r')
  try {
    const bytes = createReader(source, statSync(file).size)
    const broken = (reason: string) =>
      new QontrastError('model-invalid', `${file} is not a whole ONNX file: ${reason}. Fetch or export it again.`)
    const inputs: OnnxValue[] = []
    const outputs: OnnxValue[] = []
    const external = new Set<string>()
    scan('model', 0, bytes.size)
    return { inputs, outputs, external: [...external] }

    function scan(message: Message, from: number, to: number): Found {
      const found: Found = { message, fields: [], numbers: new Map(), text: '' }
      if (message === 'text') found.text = bytes.text(from, to)
      const inside: Record<number, Message> = messages[message]
      for (let at = message === 'text' ? to : from; at < to; ) {
        const tag = varint(at, to)
        const field = Math.floor(tag.value / 8)
        const wire = tag.value % 8
        at = tag.next
        if (wire === 0) {
          const number = varint(at, to)
          found.numbers.set(field, number.value)
          at = number.next
        } else if (wire === 1) at += 8
        else if (wire === 5) at += 4
        else if (wire === 2) {
          const length = varint(at, to)
          const end = length.next + length.value
          if (end > to) throw broken('a part of it goes past its end')
          const kind = inside[field]
          if (kind) {
            const part = scan(kind, length.next, end)
            if (keptParts.has(kind)) found.fields.push({ field, found: part })
          }
          at = end
        } else throw broken(`it has a field of the unknown wire type ${wire}`)
      }
      leave(found)
      return found
    }

    function leave(found: Found): void {
      const list = found.message === 'input' ? inputs : found.message === 'output' ? outputs : undefined
      const type = part(part(found, 2), 1)
      const rank = part(type, 2)?.fields.length
      list?.push({ name: part(found, 1)?.text ?? '', rank, elementType: type?.numbers.get(1) })
      if (found.message === 'tensor' && found.numbers.get(14) === externalLocation) {
        for (const entry of found.fields.filter(({ field }) => field === 13)) {
          if (part(entry.found, 1)?.text === 'location') external.add(part(entry.found, 2)?.text ?? '')
        }
      }
    }

    function varint(at: number, to: number): { value: number; next: number } {
      let value = 0
      for (let i = 0; i < 10 && at + i < to; i++) {
        const byte = bytes.at(at + i)
        value += (byte & 0x7f) * 2 ** (7 * i)
        if (byte < 0x80) return { value, next: at + i + 1 }
      }
      throw broken('it ends within a number')
    }
  } finally {
    closeSync(source)
  }
}

/** Messages that the one around them looks at; the rest is forgotten at once. */
const keptParts = new Set<Message>(['entry', 'text', 'type', 'tensorType', 'shape', 'dim'])

function part(found: Found | undefined, field: number): Found | undefined {
  return found?.fields.find((one) => one.field === field)?.found
}

/** Bytes of a file, read a window at a time. */
function createReader(source: number, size: number) {
  const window = Buffer.alloc(windowBytes)
  let start = 0
  let end = 0
  return {
    size,
    at(position: number): number {
      if (position < start || position >= end) {
        start = position
        end = position + readSync(source, window, 0, windowBytes, position)
      }
      return window[position - start] ?? 0
    },
    text(from: number, to: number): string {
      const bytes = Buffer.alloc(to - from)
      readSync(source, bytes, 0, bytes.length, from)
      return bytes.toString('utf8')
    },
  }
}
