/** A copy of a word with characters of its own: kept in a cache, a slice would keep the whole text it was cut from in memory. */
export function detached(word: string): string {
  return Buffer.from(word, 'utf16le').toString('utf16le')
}
