import { Unigram } from '@huggingface/tokenizers'

interface Trie {
  readonly next: Map<string, Trie>
  id: number | undefined
}

/** How much an unknown character is worse than the worst token. */
const unknownPenalty = 10

/**
 * The model of SentencePiece: the best sum of the tokens' scores wins, the token that begins earlier where two are equal. Unknown
 * characters side by side are one token within a word, and not across words.
 */
export class OwnUnigram extends Unigram {
  readonly roots: Trie = { next: new Map(), id: undefined }
  readonly values: readonly number[]
  readonly worst: number
  readonly names: readonly string[]
  readonly byteFallback: boolean

  constructor(config: UnigramConfig) {
    super(config, '')
    this.fuse_unk = false // done here, word by word
    this.names = config.vocab.map(([name]) => name)
    this.values = config.vocab.map(([, score]) => score)
    this.worst = this.values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY) - unknownPenalty
    this.byteFallback = config.byte_fallback
    for (const [id, name] of this.names.entries()) {
      let node = this.roots
      for (const character of name) {
        const next = node.next.get(character) ?? { next: new Map(), id: undefined }
        node.next.set(character, next)
        node = next
      }
      node.id = id
    }
  }

  override encode(words: string[]): string[] {
    return words.flatMap((word) => this.split(word))
  }

  private split(word: string): string[] {
    const characters = [...word]
    const best = new Float64Array(characters.length + 1)
    const from = new Int32Array(characters.length + 1).fill(-1)
    const known = new Uint8Array(characters.length + 1)
    const offer = (start: number, end: number, score: number, isKnown: boolean) => {
      const total = best[start]! + score
      if (from[end]! >= 0 && total <= best[end]!) return
      best[end] = total
      from[end] = start
      known[end] = isKnown ? 1 : 0
    }
    for (let start = 0; start < characters.length; start++) {
      let node: Trie | undefined = this.roots
      let single = false
      for (let end = start; end < characters.length; end++) {
        node = node.next.get(characters[end]!)
        if (!node) break
        if (node.id === undefined) continue
        offer(start, end + 1, this.values[node.id]!, node.id !== this.unk_token_id)
        if (end === start) single = true
      }
      if (!single) offer(start, start + 1, this.worst, false)
    }
    return this.pieces(characters, from, known)
  }

  private pieces(characters: readonly string[], from: Int32Array, known: Uint8Array): string[] {
    const pieces: string[] = []
    let unknown = ''
    const flush = () => {
      if (unknown !== '') pieces.unshift(...this.unknownPieces(unknown))
      unknown = ''
    }
    for (let end = characters.length; end > 0; end = from[end]!) {
      const piece = characters.slice(from[end], end).join('')
      if (known[end]) {
        flush()
        pieces.unshift(piece)
      } else unknown = piece + unknown
    }
    flush()
    return pieces
  }

  /** One unknown token, or its bytes where the vocabulary has them all. */
  private unknownPieces(text: string): string[] {
    if (!this.byteFallback) return [text]
    const bytes = [...Buffer.from(text)].map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
    return bytes.every((byte) => this.tokens_to_ids.has(byte)) ? bytes : [text]
  }
}

export interface UnigramConfig {
  readonly type: 'Unigram'
  readonly unk_id: number
  readonly vocab: [string, number][]
  readonly byte_fallback: boolean
}
