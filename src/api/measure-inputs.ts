import { checkInputs, type Encoder, type Input, textOf } from '../embed/index.ts'
import { createPace, QontrastError, throwIfAborted } from '../shared/index.ts'
import { charactersPerToken, type Limits } from './limits.ts'

/** What each input of a call costs the model: the tokens it reads of a text, and what the encoder says of anything else. `invalid-input` for an empty or too long text. */
export async function measureInputs(
  inputs: readonly Input[],
  {
    encoder,
    limits,
    signal,
  }: { readonly encoder: Encoder; readonly limits: Limits; readonly signal: AbortSignal | undefined },
): Promise<number[]> {
  checkInputs(inputs, encoder.accepts)
  const pace = createPace()
  const costs: number[] = []
  for (const [i, input] of inputs.entries()) {
    throwIfAborted(signal)
    costs.push(typeof input === 'string' ? textCost(i, input, encoder, limits) : (encoder.cost?.(input) ?? 1))
    await pace()
  }
  return costs
}

function textCost(i: number, text: string, encoder: Encoder, limits: Limits): number {
  if (text === '') throw new QontrastError('invalid-input', `text ${i} is empty.`)
  if (text.length > limits.tokensPerText * charactersPerToken) throw tooLong(i, `${text.length} characters`, limits)
  const reading = textOf(encoder)
  const tokens = reading.countTokens(text)
  if (tokens > limits.tokensPerText) throw tooLong(i, `${tokens} tokens`, limits)
  return Math.min(tokens, reading.maximumTokens) || 1
}

function tooLong(i: number, has: string, { tokensPerText }: Limits): QontrastError {
  return new QontrastError(
    'invalid-input',
    `text ${i} has ${has}; at most ${tokensPerText} tokens, and ${tokensPerText * charactersPerToken} characters.`,
  )
}
