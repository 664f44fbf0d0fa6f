import type { EncodeOptions, Encoder } from '../embed/index.ts'
import { createPace, type Matrix, QontrastError, throwIfAborted } from '../shared/index.ts'
import type { Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import { timed } from './timings.ts'
import type { TokenQueue } from './token-queue.ts'

/** A text may have this many characters for each token it may have: whoever counts tokens must read them all. */
const charactersPerToken = 16

export interface ServedEncoder extends Encoder {
  /** Vectors `[texts, dimensions]` and how many tokens were read; `overloaded` where the queue is full, `invalid-input` for an empty or too long text. */
  embed(texts: readonly string[], options?: EncodeOptions): Promise<{ vectors: Matrix; tokens: number }>
}

/** The same encoder, behind the queue: queries are refused while it is full (`overloaded`), documents wait their turn. */
export function serveEncoder(
  encoder: Encoder,
  { queue, limits, metrics }: { queue: TokenQueue; limits: Limits; metrics: Metrics },
): ServedEncoder {
  async function measure(texts: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    const pace = createPace()
    let sum = 0
    for (const [i, text] of texts.entries()) {
      throwIfAborted(signal)
      if (text === '') throw new QontrastError('invalid-input', `text ${i} is empty.`)
      if (text.length > limits.tokensPerText * charactersPerToken) throw tooLong(i, `${text.length} characters`, limits)
      const tokens = encoder.countTokens(text)
      if (tokens > limits.tokensPerText) throw tooLong(i, `${tokens} tokens`, limits)
      sum += Math.min(tokens, encoder.maximumTokens) || 1
      await pace()
    }
    return sum
  }

  encoder.onBatch?.(({ texts }) => metrics.batchTexts.observe(texts))

  const run = (texts: readonly string[], options: EncodeOptions, refuses: boolean) =>
    timed('encode', async () => {
      const tokens = await measure(texts, options.signal)
      if (refuses) queue.admit(tokens)
      const leave = await queue.enter(tokens, { patient: !refuses, signal: options.signal })
      if (!encoder.onBatch) metrics.batchTexts.observe(texts.length)
      try {
        return { vectors: await encoder.encode(texts, options), tokens }
      } finally {
        leave()
      }
    })

  return {
    ...encoder,
    embed: (texts, options = {}) => run(texts, options, true),
    encode: async (texts, options = {}) => (await run(texts, options, options.purpose === 'query')).vectors,
  }
}

function tooLong(i: number, has: string, { tokensPerText }: Limits): QontrastError {
  return new QontrastError(
    'invalid-input',
    `text ${i} has ${has}; at most ${tokensPerText} tokens, and ${tokensPerText * charactersPerToken} characters.`,
  )
}
