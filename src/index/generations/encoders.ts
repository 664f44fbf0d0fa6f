import { type Encoder, loadEncoder } from '../../embed/index.ts'
import { isQontrastError, messageOf, QontrastError } from '../../shared/index.ts'
import { isUnknown } from '../stores/check.ts'
import type { CollectionSchema } from '../stores/store.ts'

/** Opens the encoder that a collection was made with, by the name it was made under. */
export type LoadByName = (name: string, options: { readonly dimensions?: number }) => Promise<Encoder>

/** Encoders by what they are: the given one, and others as generations want them. */
export interface Encoders {
  /** Rejects with `encoder-mismatch` where the model cannot be loaded here, or is another one by now. */
  fitting(index: string, schema: CollectionSchema): Promise<Encoder>
  /** Closes those that were loaded. */
  close(): Promise<void>
}

export function createEncoders(given: Encoder | undefined, load: LoadByName = loadEncoder): Encoders {
  const loaded = new Map<string, Promise<Encoder>>()
  return {
    async fitting(index, schema) {
      const { fingerprint } = schema.encoder
      if (given && (given.fingerprint === fingerprint || isUnknown(schema))) return given
      const encoder = loaded.get(fingerprint) ?? loadFitting(index, schema, load)
      loaded.set(fingerprint, encoder)
      try {
        return await encoder
      } catch (error) {
        loaded.delete(fingerprint) // the model may be there the next time
        throw error
      }
    },
    async close() {
      const outcomes = await Promise.allSettled([...loaded.values()])
      loaded.clear()
      for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value.close()
    },
  }
}

/** A model whose first dimensions only were kept has the name of the whole one. */
async function loadFitting(
  index: string,
  { encoder, dimensions }: CollectionSchema,
  load: LoadByName,
): Promise<Encoder> {
  const { name, fingerprint } = encoder
  const refuse = (reason: string, cause?: unknown) =>
    new QontrastError(
      'encoder-mismatch',
      `Index '${index}' has vectors of the encoder '${name}' (${fingerprint.slice(0, 8)}), ${reason} ` +
        `Make that model available here under this name, or index again with another: qontrast reindex --index ${index} --model NAME.`,
      { cause },
    )
  const open = async (options: { dimensions?: number }) => {
    try {
      return await load(name, options)
    } catch (cause) {
      if (isQontrastError(cause, 'aborted')) throw cause
      throw refuse(`which cannot be loaded here: ${messageOf(cause)}`, cause)
    }
  }
  const whole = await open({})
  if (whole.fingerprint === fingerprint) return whole
  await whole.close()
  const part = whole.dimensions > dimensions ? await open({ dimensions }) : undefined
  if (part?.fingerprint === fingerprint) return part
  await part?.close()
  throw refuse('but what is there under this name now is another model.')
}
