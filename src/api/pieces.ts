import type { EncodeOptions, Encoder, Input } from '../embed/index.ts'
import { createMatrix, createPace, inLanes, type Matrix } from '../shared/index.ts'
import { firstOf } from './first-of.ts'
import type { Place } from './model-queue.ts'

/** Cost of a piece of a call: what others wait for at most, and what transformers read at once. */
export const pieceCost = 2_048
/** What most tokenizers put around a text. */
const specialTokens = 2

export interface PiecesOptions extends Omit<EncodeOptions, 'signal'> {
  /** Of each input. */
  readonly costs: readonly number[]
  readonly place: Place
  readonly signal: AbortSignal | undefined
  /** Pieces that are encoded at the same time. */
  readonly lanes: number
  /** Told how many inputs a piece has. */
  readonly onPiece: (inputs: number) => void
}

/** Encodes a call in pieces, each when it is its turn; one that fails ends the call. */
export async function encodeInPieces(
  encoder: Encoder,
  inputs: readonly Input[],
  { costs, place, lanes, onPiece, onProgress, ...options }: PiecesOptions,
): Promise<Matrix> {
  const vectors = createMatrix(inputs.length, encoder.dimensions)
  const failing = new AbortController()
  const signal = firstOf(failing.signal, options.signal)
  const pace = createPace()
  let done = 0
  await inLanes(piecesOf(costs), lanes, async (piece) => {
    const end = await place.turn(piece.cost, signal)
    try {
      onPiece(piece.inputs.length)
      const some = piece.inputs.flatMap((at) => inputs[at] ?? [])
      const own = await encoder.encode(some, { ...options, signal })
      for (const [row, at] of piece.inputs.entries()) vectors.row(at).set(own.row(row))
    } catch (error) {
      failing.abort(error)
      throw error
    } finally {
      end()
    }
    await pace()
    done += piece.inputs.length
    onProgress?.({ done, total: inputs.length })
  })
  return vectors
}

interface Piece {
  /** Places of its inputs in the call. */
  readonly inputs: readonly number[]
  readonly cost: number
}

/** Pieces of a call, inputs of like cost together: texts are padded to the longest. */
function* piecesOf(costs: readonly number[]): Generator<Piece> {
  const order = [...costs.keys()].sort((a, b) => (costs[b] ?? 0) - (costs[a] ?? 0))
  for (let start = 0; start < order.length; ) {
    const most = (costs[order[start] ?? 0] ?? 1) + specialTokens
    const inputs = order.slice(start, start + Math.max(1, Math.floor(pieceCost / most)))
    start += inputs.length
    yield { inputs, cost: inputs.reduce((sum, at) => sum + (costs[at] ?? 0), 0) }
  }
}
