import type { Encoder, Input, Modality } from '../embed/index.ts'
import type { TestRunner } from './runner.ts'

export interface EncoderSuiteOptions {
  /** Of the encoder, in the names of the tests. */
  readonly name: string
  /** Called for each test, and twice where the same encoder is to be opened again: what is opened is closed. */
  open(): Promise<Encoder>
  /** At least four inputs that it accepts, each with a vector of its own. Defaults to texts of several lengths. */
  readonly inputs?: readonly Input[]
  /** Largest difference between two vectors that should be the same. */
  readonly tolerance?: number
}

const texts = [
  'The quick brown fox jumps over the lazy dog.',
  'hello world',
  'one two three four five six seven eight nine ten '.repeat(5),
  'numbers and words',
]
/** One of each modality: what an encoder does not accept is refused unread. */
const samples: Readonly<Record<Modality, Input>> = {
  text: 'a text',
  image: { image: { bytes: new Uint8Array(1) } },
  audio: { audio: { bytes: new Uint8Array(1) } },
}
const noInputs: readonly unknown[] = [null, 1, undefined, {}, [], { text: 'a' }, { image: {}, audio: {} }]

/** Says what every encoder does, whatever it is made of and whatever it reads. Run it on an encoder of your own. */
export function encoderSuite(runner: TestRunner, options: EncoderSuiteOptions): void {
  const { name, inputs = texts } = options
  runner.describe(`Encoder: ${name}`, () => {
    const subject = subjectOf(runner, options)
    vectorTests(runner, subject, inputs)
    callTests(runner, subject, inputs)
    refusalTests(runner, subject, inputs)
    propertyTests(runner, subject, inputs)
    closeTests(runner, subject, inputs)
  })
}

interface Subject {
  readonly encoder: Encoder
  /** The same encoder once more. */
  again(): Promise<Encoder>
  expectSame(a: Float32Array, b: Float32Array): void
}

/** Opens an encoder before each test. */
function subjectOf(
  { beforeEach, afterEach, expect }: TestRunner,
  { open, tolerance = 1e-5 }: EncoderSuiteOptions,
): Subject {
  const opened: Encoder[] = []
  beforeEach(async () => {
    opened.push(await open())
  })
  afterEach(async () => {
    for (const encoder of opened.splice(0)) await encoder.close()
  })
  return {
    get encoder() {
      const [encoder] = opened
      if (!encoder) throw new Error('The encoder could not be opened.')
      return encoder
    },
    async again() {
      const encoder = await open()
      opened.push(encoder)
      return encoder
    },
    expectSame(a, b) {
      expect(a.length).toBe(b.length)
      for (const [i, value] of a.entries()) expect(Math.abs(value - (b[i] ?? Number.NaN))).toBeLessThan(tolerance)
    },
  }
}

function vectorTests({ test, expect }: TestRunner, at: Subject, inputs: readonly Input[]): void {
  test('each input has a vector of unit length, query or document, and no inputs have none', async () => {
    const { encoder } = at
    for (const purpose of ['query', 'document', undefined] as const) {
      const vectors = await encoder.encode(inputs, purpose ? { purpose } : {})
      expect([vectors.rows, vectors.columns]).toEqual([inputs.length, encoder.dimensions])
      expect(vectors.data).toHaveLength(inputs.length * encoder.dimensions)
      for (let i = 0; i < vectors.rows; i++) expect(Math.hypot(...vectors.row(i))).toBeCloseTo(1, 4)
    }
    const none = await encoder.encode([])
    expect([none.rows, none.columns]).toEqual([0, encoder.dimensions])
  })

  test('order, batch mates and padding change no vector', async () => {
    const { encoder } = at
    const [together, reversed] = [await encoder.encode(inputs), await encoder.encode(inputs.toReversed())]
    for (const [i, input] of inputs.entries()) {
      at.expectSame(reversed.row(inputs.length - 1 - i), together.row(i))
      at.expectSame((await encoder.encode([input])).row(0), together.row(i))
    }
    const twice = await encoder.encode([...inputs, ...inputs])
    for (let i = 0; i < inputs.length; i++) at.expectSame(twice.row(inputs.length + i), twice.row(i))
  })
}

function callTests({ test, expect }: TestRunner, at: Subject, inputs: readonly Input[]): void {
  test('calls at the same time each get their own vectors, and progress goes up to all inputs', async () => {
    const { encoder } = at
    const turned = inputs.map((_, i) => [...inputs.slice(i), ...inputs.slice(0, i)])
    const done: number[] = []
    const onProgress = (progress: { readonly done: number; readonly total?: number | undefined }) => {
      expect(progress.total).toBe(inputs.length)
      done.push(progress.done)
    }
    const [expected, ...answers] = await Promise.all([
      encoder.encode(inputs, { onProgress }),
      ...turned.map((call) => encoder.encode(call)),
    ])
    for (const [i, answer] of answers.entries())
      for (let row = 0; row < inputs.length; row++)
        at.expectSame(answer.row(row), expected.row((i + row) % inputs.length))
    expect(done.at(-1)).toBe(inputs.length)
    expect(done).toEqual(done.toSorted((a, b) => a - b))
  })

  test('a signal ends its own call and no other', async () => {
    const { encoder } = at
    const controller = new AbortController()
    const call = encoder.encode(inputs, { signal: controller.signal })
    const other = encoder.encode(inputs)
    controller.abort('enough')
    await expect(call).rejects.toMatchObject({ code: 'aborted', cause: 'enough' })
    await expect(encoder.encode(inputs, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
    expect((await other).rows).toBe(inputs.length)
  })
}

function refusalTests({ test, expect }: TestRunner, at: Subject, inputs: readonly Input[]): void {
  test('what is no input, or of a modality that is not accepted, is refused by its place, and wrong options are', async () => {
    const { encoder } = at
    const [first = ''] = inputs
    // as JavaScript would call it
    const encode = (given: unknown, options?: unknown): Promise<unknown> =>
      Reflect.apply(encoder.encode, encoder, options === undefined ? [given] : [given, options])
    const others = (['text', 'image', 'audio'] as const).filter((modality) => !encoder.accepts.has(modality))
    for (const wrong of [...noInputs, ...others.map((modality) => samples[modality])]) {
      await expect(encode([first, wrong])).rejects.toMatchObject({
        code: 'invalid-input',
        message: expect.stringMatching(/input 1/),
      })
    }
    await expect(encode(first)).rejects.toMatchObject({ code: 'invalid-input' })
    for (const options of [{ purpose: 'neither' }, { unknown: true }])
      await expect(encode([first], options)).rejects.toMatchObject({ code: 'invalid-option' })
  })
}

function propertyTests({ test, expect }: TestRunner, at: Subject, inputs: readonly Input[]): void {
  test('opened again it is the same encoder', async () => {
    const [encoder, again] = [at.encoder, await at.again()]
    expect(encoder.fingerprint.length).toBeGreaterThan(0)
    expect([again.name, again.fingerprint, again.dimensions]).toEqual([
      encoder.name,
      encoder.fingerprint,
      encoder.dimensions,
    ])
    expect([...again.accepts]).toEqual([...encoder.accepts])
    const [one, other] = [await encoder.encode(inputs), await again.encode(inputs)]
    for (let i = 0; i < inputs.length; i++) at.expectSame(other.row(i), one.row(i))
  })

  test('what accepts texts counts their tokens, and reads a text of any length', async () => {
    const { encoder } = at
    if (!encoder.accepts.has('text')) return
    expect(encoder.text).toMatchObject({})
    if (!encoder.text) return
    expect(encoder.text.countTokens('')).toBe(0)
    const words = 'one two three four five six seven eight nine ten '
    expect(encoder.text.countTokens(words.repeat(4))).toBeGreaterThan(encoder.text.countTokens(words))
    expect(encoder.text.maximumTokens).toBeGreaterThan(0)
    expect((await encoder.encode([words.repeat(2_000)])).rows).toBe(1)
  })
}

function closeTests({ test, expect }: TestRunner, at: Subject, inputs: readonly Input[]): void {
  test('it closes twice, one way or the other, and encodes nothing afterwards', async () => {
    const { encoder } = at
    await encoder.close()
    await encoder.close()
    await encoder[Symbol.asyncDispose]()
    await expect(encoder.encode(inputs)).rejects.toMatchObject({ code: 'closed' })
  })
}
