import {
  checkInputs,
  type EncodeOptions,
  type Encoder,
  type Input,
  type Modality,
  type TextReading,
} from '../../src/embed/index.ts'
import {
  createMatrix,
  createRandom,
  type Matrix,
  normalizeInPlace,
  QontrastError,
  throwIfAborted,
} from '../../src/shared/index.ts'

const wordLength = 16

/** An encoder written as a class: everything needs its `this`, and nothing is its own property. A text is the sum of its words. */
export class ClassEncoder implements Encoder {
  readonly #accepts: ReadonlySet<Modality>
  #closed = false
  #words = /\S+/g

  constructor(accepts: readonly Modality[] = ['text']) {
    this.#accepts = new Set(accepts)
  }

  get name(): string {
    return `class of ${this.#kinds()}`
  }

  get dimensions(): number {
    return wordLength
  }

  get fingerprint(): string {
    return this.#kinds().padEnd(32, '0')
  }

  get accepts(): ReadonlySet<Modality> {
    return this.#accepts
  }

  get text(): TextReading {
    return this
  }

  get maximumTokens(): number {
    return this.#closed ? 0 : 64
  }

  countTokens(text: string): number {
    return text.match(this.#words)?.length ?? 0
  }

  async encode(inputs: readonly Input[], options: EncodeOptions = {}): Promise<Matrix> {
    checkInputs(inputs, this.#accepts)
    const { purpose = 'document', signal, onProgress, ...unknown } = options
    if (!['query', 'document'].includes(purpose) || Object.keys(unknown).length > 0)
      throw new QontrastError('invalid-option', 'encode takes purpose, signal and onProgress.')
    if (this.#closed) throw new QontrastError('closed', 'The encoder was closed.')
    const vectors = createMatrix(inputs.length, wordLength)
    for (const [i, input] of inputs.entries()) {
      throwIfAborted(signal)
      vectors.row(i).set(this.#vectorOf(typeof input === 'string' ? input : JSON.stringify(input)))
      onProgress?.({ done: i + 1, total: inputs.length })
      await Promise.resolve()
    }
    return vectors
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #kinds(): string {
    return [...this.#accepts].join(' and ')
  }

  #vectorOf(text: string): Float32Array {
    const sum = new Float32Array(wordLength)
    for (const word of text.toLowerCase().match(this.#words) ?? []) {
      const random = createRandom(
        [...word].reduce((seed, character) => seed * 31 + (character.codePointAt(0) ?? 0), 7) % 2 ** 31,
      )
      for (let i = 0; i < wordLength; i++) sum[i] = (sum[i] ?? 0) + random() - 0.5
    }
    return normalizeInPlace(sum)
  }
}
