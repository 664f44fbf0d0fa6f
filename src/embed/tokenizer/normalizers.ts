import { Normalizer, ReplaceNormalizer } from '@huggingface/tokenizers'
import { z } from 'zod'
import { characters } from './characters.ts'
import { createPrecompiled } from './precompiled.ts'

export type Normalize = (text: string) => string

const anyStep = z.looseObject({ type: z.string() })
const bertSchema = z.looseObject({
  clean_text: z.boolean().default(true),
  handle_chinese_chars: z.boolean().default(true),
  strip_accents: z.boolean().nullish(),
  lowercase: z.boolean().default(true),
})
const sequenceSchema = z.looseObject({ normalizers: z.array(anyStep) })
const stripSchema = z.looseObject({ strip_left: z.boolean().default(true), strip_right: z.boolean().default(true) })
const replaceSchema = z.looseObject({
  pattern: z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]),
  content: z.string(),
})
const prependSchema = z.looseObject({ prepend: z.string() })
const precompiledSchema = z.looseObject({ precompiled_charsmap: z.string().nullish() })

/** Steps by their type in `tokenizer.json`, as the reference executes them. */
const steps: Record<string, (step: z.infer<typeof anyStep>) => Normalize> = {
  Sequence(step) {
    const parts = sequenceSchema.parse(step).normalizers.map(createNormalize)
    return (text) => parts.reduce((value, normalize) => normalize(value), text)
  },
  BertNormalizer(step) {
    const { clean_text, handle_chinese_chars, strip_accents, lowercase } = bertSchema.parse(step)
    const parts: Normalize[] = []
    if (clean_text) parts.push(clean)
    if (handle_chinese_chars) parts.push((text) => text.replace(ideographs, ' $& '))
    if (strip_accents ?? lowercase) parts.push((text) => normalForm(text, 'NFD').replace(nonspacing, ''))
    if (lowercase) parts.push(lowerCase)
    return (text) => {
      if (plain.test(text)) return lowercase ? text.toLowerCase() : text
      return parts.reduce((value, normalize) => normalize(value), text)
    }
  },
  Lowercase: () => lowerCase,
  StripAccents: () => (text) => text.replace(marks, ''),
  NFC: () => (text) => normalForm(text, 'NFC'),
  NFD: () => (text) => normalForm(text, 'NFD'),
  NFKC: () => (text) => normalForm(text, 'NFKC'),
  NFKD: () => (text) => normalForm(text, 'NFKD'),
  Strip(step) {
    const { strip_left, strip_right } = stripSchema.parse(step)
    return (text) => {
      const left = strip_left ? text.replace(leadingSpace, '') : text
      return strip_right ? left.replace(trailingSpace, '') : left
    }
  },
  Precompiled: (step) => createPrecompiled(precompiledSchema.parse(step).precompiled_charsmap ?? ''),
  Replace(step) {
    const { pattern, content } = replaceSchema.parse(step)
    if ('String' in pattern) return (text) => text.replaceAll(pattern.String, () => content)
    const replace = new ReplaceNormalizer({ type: 'Replace', pattern, content })
    return (text) => replace.normalize(text)
  },
  Prepend(step) {
    const { prepend } = prependSchema.parse(step)
    return (text) => (text === '' ? text : prepend + text)
  },
}

/** A step of `tokenizer.json`; throws where its type is unknown. */
export function createNormalize(step: z.infer<typeof anyStep>): Normalize {
  const make = steps[step.type]
  if (make) return make(step)
  throw new Error(`the normalizer ${step.type} is not known; supported: ${Object.keys(steps).join(', ')}`)
}

/** In the form that the pipeline takes. */
export class OwnNormalizer extends Normalizer {
  readonly run: Normalize
  constructor(step: unknown) {
    super({ type: 'Lowercase' }) // the pipeline does not look at it
    this.run = createNormalize(anyStep.parse(step))
  }
  override normalize(text: string): string {
    return this.run(text)
  }
}

const plain = /^[ -~]*$/
const removed = new RegExp(`[${characters.removed}\\0\\u{fffd}]`, 'gu')
const whiteSpace = new RegExp(`[${characters.whiteSpace}]`, 'gu')
const leadingSpace = new RegExp(`^[${characters.whiteSpace}]+`, 'u')
const trailingSpace = new RegExp(`[${characters.whiteSpace}]+$`, 'u')
const ideographs = new RegExp(`[${characters.ideographs}]`, 'gu')
const nonspacing = new RegExp(`[${characters.nonspacing}]`, 'gu')
const marks = new RegExp(`[${characters.marks}]`, 'gu')

function clean(text: string): string {
  return text.replace(removed, '').replace(whiteSpace, ' ')
}

/** Character by character: a final sigma is an ordinary one. */
export function lowerCase(text: string): string {
  return text.replaceAll('Σ', 'σ').toLowerCase()
}

/** Characters whose decomposition came with a newer Unicode than the reference's. */
const canonical =
  '\\u{105c9}\\u{105e4}\\u{11383}\\u{11385}\\u{1138e}\\u{11391}\\u{113c5}\\u{113c7}\\u{113c8}\\u{11938}\\u{16121}-\\u{16128}\\u{16d68}-\\u{16d6a}'
const compatible =
  '\\u{32ff}\\u{a7f1}-\\u{a7f4}\\u{ab69}\\u{10781}-\\u{10785}\\u{10787}-\\u{107b0}\\u{107b2}-\\u{107ba}\\u{1ccd6}-\\u{1ccf9}\\u{1e030}-\\u{1e06d}\\u{1f16c}\\u{1fbf0}-\\u{1fbf9}'
/** Marks that the reference does not know: to it they are ordinary characters, past which no mark is moved. */
const newMarks = `(?![${characters.marks}])\\p{M}`
const untouched = {
  NFC: new RegExp(`(${newMarks})`, 'u'),
  NFD: new RegExp(`([${canonical}]|${newMarks})`, 'u'),
  NFKD: new RegExp(`([${canonical}${compatible}]|${newMarks})`, 'u'),
  NFKC: new RegExp(`([${compatible}]|${newMarks})`, 'u'),
}

function normalForm(text: string, form: keyof typeof untouched): string {
  const unknown = untouched[form]
  if (!unknown.test(text)) return text.normalize(form)
  return text
    .split(unknown)
    .map((part, i) => (i % 2 === 1 ? part : part.normalize(form)))
    .join('')
}
