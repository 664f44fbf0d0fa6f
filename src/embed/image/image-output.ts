import { QontrastError } from '../../shared/index.ts'
import type { Reading } from '../head/reading.ts'
import type { ModelOutput } from '../transformer/outputs.ts'

/** An output, and how it becomes a vector a picture. */
export interface ImageOutput {
  readonly name: string
  readonly reading: Reading
}

/** Outputs that are the vector itself, the surest first. */
const vectors = ['image_embeds', 'image_embedding', 'image_features', 'sentence_embedding', 'embeddings', 'features']
const pooled = ['pooler_output']
const tokens = ['last_hidden_state', 'hidden_states']
/** Scores of classes: no vector of a picture. */
const scores = /^(logits|logits_per_image|logits_per_text|probabilities|scores)$/

/** Families whose pooler is a layer that was trained for another task, or not at all: their first token is what is compared. */
const firstTokenFamilies = new Set(['vit', 'deit', 'beit', 'data2vec-vision', 'vit_mae', 'vit_msn', 'ijepa'])

/** The output that vectors of pictures are taken from: the one that is asked for, or by the family that `config.json` names. */
export function chooseImageOutput(
  outputs: readonly ModelOutput[],
  { family, asked }: { readonly family: string | undefined; readonly asked: string | undefined },
): ImageOutput {
  const names = outputs.map(({ name }) => name)
  if (asked !== undefined && !names.includes(asked))
    throw new QontrastError('invalid-option', `The model has no output '${asked}'. It has ${names.join(', ')}.`)
  const ordered = firstTokenFamilies.has(family ?? '')
    ? [...vectors, ...tokens, ...pooled]
    : [...vectors, ...pooled, ...tokens]
  const rest = names.filter((name) => !scores.test(name))
  const name = asked ?? ordered.find((one) => names.includes(one)) ?? (rest.length === 1 ? rest[0] : undefined)
  const output = outputs.find((one) => one.name === name)
  if (!output) {
    throw new QontrastError(
      'model-invalid',
      `None of the model's outputs (${names.join(', ')}) is known as a vector of a picture. Name the one to take: output (--output); a classifier is exported anew without its head, as feature extraction.`,
    )
  }
  return { name: output.name, reading: readingOf(output) }
}

function readingOf({ name, rank }: ModelOutput): Reading {
  if (pooled.includes(name)) return 'vector'
  if (rank === 3) return 'first-token'
  if (rank === 4) return 'mean-of-places'
  return 'vector'
}
