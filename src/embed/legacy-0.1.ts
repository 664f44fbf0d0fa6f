import { createHash } from 'node:crypto'
import path from 'node:path'
import { Tokenizer as Pipeline } from '@huggingface/tokenizers'
import type { LegacyEncoder } from './encoder.ts'
import { hashOfFile } from './file-hashes.ts'
import type { StaticPlan } from './static/plan.ts'
import { type Tokenizer, type TokenizerSettings, tokenizerOf } from './tokenizer.ts'
import type { TransformerPlan } from './transformer/plan.ts'
import type { TransformerFiles } from './transformer/read-transformer.ts'

/*
 * What version 0.1.0 made of a model: `qontrast upgrade` recognises an index of that time by it, and tells which texts it must embed again.
 * Nothing else needs this file; it goes when indexes of 0.1.0 do.
 */

interface Places {
  readonly root: string
  readonly cacheDir: string
}

export interface LegacyStaticFacts {
  readonly plan: StaticPlan
  readonly tokenizer: Tokenizer
  /** Parsed `tokenizer.json`. */
  readonly tokenizerFile: object
  /** Absolute paths. */
  readonly weights: string
  readonly rootTokenizer: string | undefined
}

/** 0.1.0 hashed the weights and a tokenizer in the model's root, and gave a text of which nothing is understood its first axis. */
export async function legacyStatic(facts: LegacyStaticFacts, places: Places): Promise<LegacyEncoder> {
  const { plan, tokenizer, weights, rootTokenizer } = facts
  const { dimensions, maximumTokens } = plan
  const files = rootTokenizer ? [weights, rootTokenizer] : [weights]
  const settings: TokenizerSettings = {
    maximumTokens,
    truncationSide: 'right',
    padId: 0,
    padSide: 'right',
    lowerCase: false,
  }
  const before = lazily(() => upstream(facts.tokenizerFile, settings, {}))
  return {
    fingerprints: [await fingerprint(files, { kind: 'static', dimensions, maximumTokens }, places)],
    differs(text) {
      const beginning = text.slice(0, plan.longest)
      const ids = tokenizer.ids(beginning, maximumTokens)
      if (!ids.some((id) => id !== plan.unknown && id < plan.tokens)) return true
      return !sameIds(ids, before().ids(beginning, maximumTokens))
    },
  }
}

/** 0.1.0 preferred tokens to the model's own vector, ran every Dense before its one normalization, and cut texts at their end. */
export async function legacyTransformer(
  { folder, model, settings, plan, tokenizer, tokenizerFile, prompts }: TransformerFiles,
  { dimensions, cacheDir }: { dimensions: number; cacheDir: string },
): Promise<LegacyEncoder> {
  const { root } = folder
  const dense = settings.after.filter((module) => module.kind === 'dense')
  const beside = [...model.externalData.values()].filter((file) =>
    path.basename(file).startsWith(`${path.basename(model.path)}_data`),
  )
  const facts = {
    kind: 'transformer',
    dimensions,
    pooling: settings.pooling.modes,
    dense: dense.map(({ path: place, activation }) => ({ path: place, activation })),
    document: prompts.document.prompt,
    maximumTokens: tokenizer.maximumTokens,
  }
  const files = [
    model.path,
    ...beside,
    ...dense.map((module) => path.join(root, module.path, 'model.safetensors')),
    ...((await folder.has('tokenizer.json')) ? [path.join(root, 'tokenizer.json')] : []),
  ]
  const allDiffer = computesOtherwise(
    plan,
    model.outputs.map(({ name }) => name),
  )
  const before = lazily(() =>
    upstream(tokenizerFile, { ...settings.tokenizer, truncationSide: 'right', lowerCase: false }, {}),
  )
  const { prompt } = prompts.document
  return {
    fingerprints: [await fingerprint(files, facts, { root, cacheDir })],
    differs(text) {
      if (allDiffer) return true
      const lowered = settings.tokenizer.lowerCase ? (prompt + text).toLowerCase() : prompt + text
      return !sameIds(tokenizer.encode(prompt + text), before().encode(lowered))
    },
  }
}

const tokenOutputs = ['last_hidden_state', 'token_embeddings', 'hidden_states', 'output_0', 'logits']
const textOutputs = ['sentence_embedding', 'pooler_output', 'embeddings']

function computesOtherwise({ output, after }: TransformerPlan, outputs: readonly string[]): boolean {
  const chosen = [...tokenOutputs, ...textOutputs].find((name) => outputs.includes(name)) ?? outputs[0]
  if (chosen !== output.name) return true
  const kinds = after.map(({ kind }) => kind)
  if (kinds.includes('layer-norm') || after.some((module) => module.kind === 'dense' && module.residual)) return true
  return kinds.includes('normalize') && kinds.indexOf('normalize') < kinds.lastIndexOf('dense')
}

async function fingerprint(files: readonly string[], facts: object, places: Places): Promise<string> {
  const hashes = await Promise.all(files.map((file) => hashOfFile(file, places)))
  return createHash('sha256')
    .update(JSON.stringify([hashes, facts]))
    .digest('hex')
    .slice(0, 32)
}

/** The tokenizer as it was, without our mends. */
function upstream(file: object, settings: TokenizerSettings, config: object): Tokenizer {
  return tokenizerOf(new Pipeline(file, config), settings)
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i])
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
