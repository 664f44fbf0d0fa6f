/** What goes before the ids of documents that a key bound to a filter puts; its hash is that of the filter. */
export const tenantPrefix = /^tenant:[0-9a-f]{16}(?:\.\d{1,9})?:/

/** Bytes of UTF-8 that an id may have; what `tenantPrefix` adds is not counted. */
export const longestId = 1_024

export function idBytes(id: string): number {
  return Buffer.byteLength(id.replace(tenantPrefix, ''))
}
