import { BPE } from '@huggingface/tokenizers'

type BpeConfig = ConstructorParameters<typeof BPE>[0]

/** Byte-pair encoding that makes unknown characters side by side one token within a word, and not across words. */
export class OwnBpe extends BPE {
  readonly fusesUnknown: boolean

  constructor(config: BpeConfig) {
    super(config)
    this.fusesUnknown = this.fuse_unk
    this.fuse_unk = false // done here, word by word
  }

  override encode(words: string[]): string[] {
    if (!this.fusesUnknown) return super.encode(words)
    return words.flatMap((word) =>
      super.encode([word]).filter((token, i, tokens) => token !== this.unk_token || tokens[i - 1] !== token),
    )
  }
}
