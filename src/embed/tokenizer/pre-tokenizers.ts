import {
  ByteLevelPreTokenizer,
  FixedLengthPreTokenizer,
  PreTokenizer,
  SplitPreTokenizer,
} from '@huggingface/tokenizers'
import { z } from 'zod'
import { characters } from './characters.ts'

/** Cuts a piece of text; `first` says that the text begins with it. */
export type Cut = (text: string, first: boolean) => string[]

const anyStep = z.looseObject({ type: z.string() })
const sequenceSchema = z.looseObject({ pretokenizers: z.array(anyStep) })
const behaviour = z
  .enum(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'])
  .default('Isolated')
const punctuationSchema = z.looseObject({ behavior: behaviour })
const digitsSchema = z.looseObject({ individual_digits: z.boolean().default(false) })
const metaspaceSchema = z.looseObject({
  replacement: z.string().default('▁'),
  prepend_scheme: z.enum(['always', 'first', 'never']).nullish(),
  add_prefix_space: z.boolean().nullish(),
  split: z.boolean().default(true),
})
const byteLevelSchema = z.looseObject({
  add_prefix_space: z.boolean().default(true),
  use_regex: z.boolean().default(true),
})

const splitSchema = z.looseObject({
  pattern: z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]),
  behavior: behaviour,
  invert: z.boolean().default(false),
})
const fixedLengthSchema = z.looseObject({ length: z.number().int().positive() })

/** Steps by their type in `tokenizer.json`, as the reference executes them. */
const steps: Record<string, (step: z.infer<typeof anyStep>) => Cut> = {
  Sequence(step) {
    const parts = sequenceSchema.parse(step).pretokenizers.map(createCut)
    return (text, first) =>
      parts.reduce((pieces, cut) => pieces.flatMap((piece, i) => cut(piece, first && i === 0)), [text])
  },
  BertPreTokenizer: () => matches(`[^${characters.whiteSpace}${characters.punctuation}]+|[${characters.punctuation}]`),
  Whitespace: () => matches(`[${characters.word}]+|[^${characters.word}${characters.whiteSpace}]+`),
  WhitespaceSplit: () => matches(`[^${characters.whiteSpace}]+`),
  Punctuation: (step) => cutAt(characters.punctuation, punctuationSchema.parse(step).behavior),
  Digits: (step) => cutAt(characters.numeric, digitsSchema.parse(step).individual_digits ? 'Isolated' : 'Contiguous'),
  Metaspace(step) {
    const { replacement, prepend_scheme, add_prefix_space, split } = metaspaceSchema.parse(step)
    const scheme = prepend_scheme ?? (add_prefix_space === false ? 'never' : 'always')
    const words = new RegExp(`${escaped(replacement)}?[^${escaped(replacement)}]*`, 'gu')
    return (text, first) => {
      const replaced = text.replaceAll(' ', replacement)
      const wanted = scheme === 'always' || (scheme === 'first' && first)
      const whole = wanted && !replaced.startsWith(replacement) ? replacement + replaced : replaced
      return split ? (whole.match(words) ?? []).filter((word) => word !== '') : [whole]
    }
  },
  ByteLevel(step) {
    const { add_prefix_space, use_regex } = byteLevelSchema.parse(step)
    const { letters, numbers, whiteSpace } = characters
    const words = matches(
      `'s|'t|'re|'ve|'m|'ll|'d| ?[${letters}]+| ?[${numbers}]+| ?[^${whiteSpace}${letters}${numbers}]+|[${whiteSpace}]+(?![^${whiteSpace}])|[${whiteSpace}]+`,
    )
    const bytes = new ByteLevelPreTokenizer({ ...step, type: 'ByteLevel', add_prefix_space: false, use_regex: false })
    return (text, first) => {
      const whole = add_prefix_space && !text.startsWith(' ') ? ` ${text}` : text
      return (use_regex ? words(whole, first) : [whole]).flatMap((word) => bytes.pre_tokenize_text(word))
    }
  },
  Split(step) {
    const split = new SplitPreTokenizer({ ...splitSchema.parse(step), type: 'Split' })
    return (text) => split.pre_tokenize_text(text)
  },
  FixedLength(step) {
    const cut = new FixedLengthPreTokenizer({ ...fixedLengthSchema.parse(step), type: 'FixedLength' })
    return (text) => cut.pre_tokenize_text(text)
  },
}

/** A step of `tokenizer.json`; throws where its type is unknown. */
export function createCut(step: z.infer<typeof anyStep>): Cut {
  const make = steps[step.type]
  if (make) return make(step)
  throw new Error(`the pre-tokenizer ${step.type} is not known; supported: ${Object.keys(steps).join(', ')}`)
}

/** In the form that the pipeline takes. */
export class OwnPreTokenizer extends PreTokenizer {
  readonly cut: Cut
  constructor(step: unknown) {
    super()
    this.cut = createCut(anyStep.parse(step))
  }
  override pre_tokenize_text(text: string, { section_index = 0 }: { section_index?: number } = {}): string[] {
    return this.cut(text, section_index === 0)
  }
}

function matches(pattern: string): Cut {
  const expression = new RegExp(pattern, 'gu')
  return (text) => text.match(expression) ?? []
}

/** How pieces are cut at characters of a class: the pattern of a piece, and whether those characters stay. */
const cuts: Record<z.infer<typeof behaviour>, (at: string) => string> = {
  Removed: (at) => `[^${at}]+`,
  Isolated: (at) => `[^${at}]+|[${at}]`,
  MergedWithPrevious: (at) => `[^${at}]*[${at}]|[^${at}]+`,
  MergedWithNext: (at) => `[${at}]?[^${at}]+|[${at}]`,
  Contiguous: (at) => `[^${at}]+|[${at}]+`,
}

function cutAt(at: string, how: z.infer<typeof behaviour>): Cut {
  return matches(cuts[how](at))
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
