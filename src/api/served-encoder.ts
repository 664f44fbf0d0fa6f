import type { EncodeOptions, Encoder } from '../embed/index.ts'
import {
  createMatrix,
  createPace,
  currentWork,
  inLanes,
  type Matrix,
  QontrastError,
  throwIfAborted,
} from '../shared/index.ts'
import { charactersPerToken, type Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import { createModelQueue, type ModelQueue, type Place, type WorkKind } from './model-queue.ts'
import { timed } from './timings.ts'

/** Tokens of a piece of a call: what others wait for at most, and what transformers read at once. */
const pieceTokens = 2_048
/** What most tokenizers put around a text. */
const specialTokens = 2

export interface ServedEncoder extends Encoder {
  readonly queue: ModelQueue
  /** Vectors `[texts, dimensions]` and how many tokens were read; `overloaded` where the queue is full, `invalid-input` for an empty or too long text. */
  embed(texts: readonly string[], options?: EncodeOptions): Promise<{ vectors: Matrix; tokens: number }>
}

interface Piece {
  /** Places of its texts in the call. */
  readonly texts: readonly number[]
  readonly tokens: number
}

interface Pieces extends Omit<EncodeOptions, 'signal'> {
  /** Tokens of each text. */
  readonly counts: readonly number[]
  readonly place: Place
  readonly signal: AbortSignal | undefined
}

interface Call {
  readonly kind: WorkKind
  /** Waits instead of being refused. */
  readonly patient: boolean
  readonly options: EncodeOptions
}

/** The same encoder behind a queue of its own: searches go first, calls go in pieces, and texts to embed are refused while their key's share is full; documents wait. */
export function serveEncoder(
  model: string,
  encoder: Encoder,
  { limits, metrics }: { limits: Limits; metrics: Metrics },
): ServedEncoder {
  const { tokensAtOnce } = encoder
  const atOnce = tokensAtOnce === undefined ? pieceTokens : 2 * tokensAtOnce // what is read, and what is read next
  const queue = createModelQueue({
    model,
    limit: limits.queuedTokens,
    atOnce,
    onRefusal: (work) => metrics.refusals.inc({ model, work }),
  })

  async function measure(texts: readonly string[], signal: AbortSignal | undefined): Promise<number[]> {
    const pace = createPace()
    const counts: number[] = []
    for (const [i, text] of texts.entries()) {
      throwIfAborted(signal)
      if (text === '') throw new QontrastError('invalid-input', `text ${i} is empty.`)
      if (text.length > limits.tokensPerText * charactersPerToken) throw tooLong(i, `${text.length} characters`, limits)
      const tokens = encoder.countTokens(text)
      if (tokens > limits.tokensPerText) throw tooLong(i, `${tokens} tokens`, limits)
      counts.push(Math.min(tokens, encoder.maximumTokens) || 1)
      await pace()
    }
    return counts
  }

  encoder.onBatch?.(({ texts }) => metrics.batchTexts.observe(texts))

  const run = (texts: readonly string[], { kind, patient, options }: Call) =>
    timed('encode', async () => {
      const { owner, signal: wanted } = currentWork()
      const signal = firstOf(options.signal, wanted)
      const counts = await measure(texts, signal)
      const tokens = counts.reduce((sum, count) => sum + count, 0)
      const place = patient ? queue[kind].stayOutside(owner) : queue[kind].letIn(tokens, owner)
      try {
        return { vectors: await inPieces(texts, { ...options, counts, place, signal }), tokens }
      } finally {
        place.leave()
      }
    })

  async function inPieces(
    texts: readonly string[],
    { counts, place, onProgress, ...options }: Pieces,
  ): Promise<Matrix> {
    const vectors = createMatrix(texts.length, encoder.dimensions)
    const failing = new AbortController()
    const signal = firstOf(failing.signal, options.signal)
    const pace = createPace()
    let done = 0
    await inLanes(piecesOf(counts), Math.ceil(atOnce / pieceTokens), async (piece) => {
      const end = await place.turn(piece.tokens, signal)
      try {
        if (!encoder.onBatch) metrics.batchTexts.observe(piece.texts.length)
        const some = piece.texts.map((at) => texts[at] ?? '')
        const own = await encoder.encode(some, { ...options, signal })
        for (const [row, at] of piece.texts.entries()) vectors.row(at).set(own.row(row))
      } catch (error) {
        failing.abort(error)
        throw error
      } finally {
        end()
      }
      await pace()
      done += piece.texts.length
      onProgress?.({ done, total: texts.length })
    })
    return vectors
  }

  return {
    ...encoder,
    queue,
    embed: (texts, options = {}) => run(texts, { kind: 'bulk', patient: false, options }),
    async encode(texts, options = {}) {
      const isSearch = options.purpose === 'query'
      return (await run(texts, { kind: isSearch ? 'search' : 'bulk', patient: !isSearch, options })).vectors
    },
  }
}

/** Pieces of a call, texts of like length together: they are padded to the longest. */
function* piecesOf(counts: readonly number[]): Generator<Piece> {
  const order = [...counts.keys()].sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0))
  for (let start = 0; start < order.length; ) {
    const longest = (counts[order[start] ?? 0] ?? 1) + specialTokens
    const texts = order.slice(start, start + Math.max(1, Math.floor(pieceTokens / longest)))
    start += texts.length
    yield { texts, tokens: texts.reduce((sum, at) => sum + (counts[at] ?? 0), 0) }
  }
}

/** Fires when either does. */
function firstOf(a: AbortSignal, b: AbortSignal | undefined): AbortSignal
function firstOf(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined
function firstOf(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b && a !== b ? AbortSignal.any([a, b]) : (a ?? b)
}

function tooLong(i: number, has: string, { tokensPerText }: Limits): QontrastError {
  return new QontrastError(
    'invalid-input',
    `text ${i} has ${has}; at most ${tokensPerText} tokens, and ${tokensPerText * charactersPerToken} characters.`,
  )
}
