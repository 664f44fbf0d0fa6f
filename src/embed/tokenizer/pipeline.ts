import { Tokenizer as Pipeline } from '@huggingface/tokenizers'
import { z } from 'zod'
import { QontrastError } from '../../shared/index.ts'
import { tokenId } from '../folder-numbers.ts'
import { reasonOf } from '../reason-of.ts'
import { OwnBpe } from './bpe.ts'
import { OwnNormalizer } from './normalizers.ts'
import { OwnPreTokenizer } from './pre-tokenizers.ts'
import { OwnUnigram } from './unigram.ts'

const stepSchema = z.looseObject({ type: z.string() }).nullish()
const fileSchema = z.looseObject({
  normalizer: stepSchema,
  pre_tokenizer: stepSchema,
  model: z.looseObject({
    type: z.string().nullish(),
    unk_token: z.string().nullish(),
    unk_id: tokenId,
    vocab: z.unknown().superRefine(checkIds),
  }),
  added_tokens: z
    .array(z.looseObject({ id: z.unknown().pipe(tokenId.nonoptional()), content: z.string() }))
    .default([]),
})
const unigramSchema = z.looseObject({
  type: z.literal('Unigram'),
  unk_id: z.number(),
  vocab: z.array(z.tuple([z.string(), z.number()])),
  byte_fallback: z.boolean().default(false),
})

const bpeSchema = z.looseObject({
  type: z.literal('BPE'),
  vocab: z.record(z.string(), z.number()),
  merges: z.union([z.array(z.string()), z.array(z.tuple([z.string(), z.string()]))]),
  fuse_unk: z.literal(true),
  ignore_merges: z.boolean().default(false),
})

/**
 * The pipeline of `tokenizer.json`: `@huggingface/tokenizers` with the steps replaced in which it is not what the Rust library is.
 * `model-invalid` where the file does not describe one.
 */
export function buildPipeline(file: object, { lowerCase }: { readonly lowerCase: boolean }): Pipeline {
  try {
    const parsed = fileSchema.parse(file)
    const lowered = lowerCase ? { ...parsed, normalizer: lowerFirst(parsed.normalizer) } : parsed
    const unknown = parsed.model.unk_token
    const pipeline = new Pipeline(lowered, unknown ? { unk_token: unknown } : {})
    if (lowered.normalizer) pipeline.normalizer = new OwnNormalizer(lowered.normalizer)
    if (lowered.pre_tokenizer) pipeline.pre_tokenizer = new OwnPreTokenizer(lowered.pre_tokenizer)
    const model = modelOf(parsed.model)
    if (model) {
      for (const { id, content } of parsed.added_tokens) {
        model.tokens_to_ids.set(content, id)
        model.vocab[id] = content
      }
      pipeline.model = model
    }
    return pipeline
  } catch (cause) {
    throw new QontrastError('model-invalid', `tokenizer.json does not describe a tokenizer: ${reasonOf(cause)}`, {
      cause,
    })
  }
}

/** A vocabulary from tokens to ids has numbers for ids. */
function checkIds(vocabulary: unknown, context: z.RefinementCtx): void {
  if (typeof vocabulary !== 'object' || vocabulary === null || Array.isArray(vocabulary)) return
  for (const [token, id] of Object.entries(vocabulary)) {
    const { error } = tokenId.nonoptional().safeParse(id)
    if (!error) continue
    context.addIssue({ code: 'custom', message: error.issues[0]?.message ?? '', path: [token] })
    return
  }
}

/** The model, where ours takes the place of the library's. */
function modelOf(model: object): OwnUnigram | OwnBpe | undefined {
  const unigram = unigramSchema.safeParse(model)
  if (unigram.success) return new OwnUnigram(unigram.data)
  const bpe = bpeSchema.safeParse(model)
  return bpe.success ? new OwnBpe(bpe.data) : undefined
}

/** As sentence-transformers' `do_lower_case` does it: a step before the others, which special tokens do not pass. */
function lowerFirst(step: z.infer<typeof stepSchema>) {
  return { type: 'Sequence', normalizers: [{ type: 'Lowercase' }, ...(step ? [step] : [])] }
}
