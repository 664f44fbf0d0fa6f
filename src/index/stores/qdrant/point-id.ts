import { createHash } from 'node:crypto'
import type { Schemas } from '@qdrant/js-client-rest'
import { encodeText } from './json.ts'

/** Our namespace for UUIDs of version 5; another one would lose every point that is stored. */
const namespace = Buffer.from('8c1d3b5e9f2a4c6d8e7f0a1b2c3d4e5f', 'hex')

const largestId = 2n ** 64n - 1n

/** Qdrant's ids are UUIDs or whole numbers: the name-based UUID (RFC 9562, version 5) of any string. */
export function uuidOf(id: string): string {
  const bytes = createHash('sha1').update(namespace).update(encodeText(id)).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** A point id of a collection made by others, if this text may be one. */
export function foreignId(text: string): Schemas['ExtendedPointId'] | undefined {
  if (/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) return text
  if (!/^(0|[1-9]\d{0,19})$/.test(text)) return undefined
  const whole = BigInt(text)
  const id = whole > Number.MAX_SAFE_INTEGER ? whole : Number(whole)
  return whole <= largestId && isPointId(id) ? id : undefined
}

/** The client gives and takes ids past 2^53 as BigInt, which its types do not say. */
export function isPointId(id: unknown): id is Schemas['ExtendedPointId'] {
  return typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint'
}
