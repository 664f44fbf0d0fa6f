import { QontrastError } from '../../shared/index.ts'

export interface ModelOutput {
  readonly name: string
  /** Number of its dimensions, where the file says so: 3 for a vector a token, 2 for a vector a text. */
  readonly rank: number | undefined
}

export interface ChosenOutput {
  readonly name: string
  readonly holds: 'tokens' | 'texts'
}

/** The model's own vector of a text, made by its whole pipeline. */
const finished = ['sentence_embedding']
const tokens = ['last_hidden_state', 'token_embeddings', 'hidden_states', 'output_0', 'logits']
const texts = ['pooler_output', 'embeddings']

export interface OutputChoice {
  /** Name of the output that the caller wants. */
  readonly asked?: string | undefined
  /** A prompt's tokens are to be left out of pooling, which the model's own vector cannot do. */
  readonly tokensWanted?: boolean
}

/** The output that vectors are taken from: the model's own vector of a text where there is one, else its tokens' vectors. */
export function chooseOutput(
  outputs: readonly ModelOutput[],
  { asked, tokensWanted = false }: OutputChoice = {},
): ChosenOutput {
  const names = outputs.map(({ name }) => name)
  if (asked !== undefined && !names.includes(asked)) {
    throw new QontrastError('invalid-option', `The model has no output '${asked}'. It has ${names.join(', ')}.`)
  }
  const preferred = tokensWanted ? [...tokens, ...finished, ...texts] : [...finished, ...tokens, ...texts]
  const name = asked ?? preferred.find((one) => names.includes(one)) ?? names[0]
  const output = outputs.find((one) => one.name === name)
  if (!output) throw new QontrastError('model-invalid', 'The model has no output.')
  const isText = output.rank === undefined ? [...finished, ...texts].includes(output.name) : output.rank === 2
  return { name: output.name, holds: isText ? 'texts' : 'tokens' }
}
