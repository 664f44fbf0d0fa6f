import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { PoolingMode, TextFiles, TransformerFiles } from '../../embed/index.ts'

/** Files of a model folder that say how it is used; its weights, in whatever form, are left behind. */
const described = /(?<!\.index)\.(json|txt|model)$/
const leftBehind = new Set(['SOURCE.txt', 'expected.json', '.qontrast-fingerprint.json'])

/** Copies what describes a model, of its folder and of its modules', and adds what sentence-transformers 5 and 6 want beside it; `dimensions` are those of a token. */
export async function writeDescriptions(files: TransformerFiles, out: string, dimensions: number): Promise<void> {
  const { folder, settings } = files
  for (const place of new Set(['', ...settings.paths])) {
    await copyFiles(path.join(folder.root, place), path.join(out, place))
  }
  await completeTokenizer(files, path.join(out, settings.transformer))
  if (await folder.has('modules.json')) return
  for (const [name, content] of Object.entries(sentenceFiles(files, dimensions))) {
    await mkdir(path.dirname(path.join(out, name)), { recursive: true })
    await writeJson(path.join(out, name), content)
  }
}

async function copyFiles(from: string, out: string): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true }).catch(() => [])
  await mkdir(out, { recursive: true })
  for (const entry of entries) {
    if (entry.isDirectory() || !described.test(entry.name) || leftBehind.has(entry.name)) continue
    await copyFile(path.join(from, entry.name), path.join(out, entry.name))
  }
}

/** The switches that every version of sentence-transformers reads, in the order in which it puts several modes together. */
const switches: Record<PoolingMode, string> = {
  cls: 'pooling_mode_cls_token',
  max: 'pooling_mode_max_tokens',
  mean: 'pooling_mode_mean_tokens',
  mean_sqrt_len_tokens: 'pooling_mode_mean_sqrt_len_tokens',
  weightedmean: 'pooling_mode_weightedmean_tokens',
  lasttoken: 'pooling_mode_lasttoken',
}

/** What makes texts' vectors out of tokens'. */
export interface Sentences {
  readonly settings: Pick<TextFiles['settings'], 'pooling' | 'prompts'> & {
    readonly tokenizer: Pick<TextFiles['settings']['tokenizer'], 'lowerCase'>
  }
  readonly tokenizer: Pick<TextFiles['tokenizer'], 'maximumTokens'>
}

/** Files of sentence-transformers that say what was trained: pooling, and vectors of unit length. */
export function sentenceFiles({ settings, tokenizer }: Sentences, dimensions: number): Record<string, object> {
  const { modes, prompt } = settings.pooling
  const places = { Transformer: '', Pooling: '1_Pooling', Normalize: '2_Normalize' }
  const modules = Object.entries(places).map(([kind, place], idx) => {
    return { idx, name: String(idx), path: place, type: `sentence_transformers.models.${kind}` }
  })
  const flags = Object.entries(switches).map(([mode, name]) => [name, modes.some((one) => one === mode)])
  return {
    'modules.json': modules,
    '1_Pooling/config.json': {
      word_embedding_dimension: dimensions,
      ...Object.fromEntries(flags),
      include_prompt: prompt,
    },
    '2_Normalize/config.json': {},
    'sentence_bert_config.json': {
      max_seq_length: tokenizer.maximumTokens,
      do_lower_case: settings.tokenizer.lowerCase,
    },
    'config_sentence_transformers.json': {
      prompts: settings.prompts,
      default_prompt_name: null,
      similarity_fn_name: 'cosine',
    },
  }
}

/** The class of tokenizer that transformers 4 and 5 both have: the later one's own name for it is not known to the earlier. */
export const anyTokenizer = 'PreTrainedTokenizerFast'

/** What `tokenizer_config.json` must say where neither it nor its neighbour does, lest transformers takes the standard of the model's family. */
async function completeTokenizer({ folder, tokenizer, settings }: TransformerFiles, out: string): Promise<void> {
  const file = path.join(out, 'tokenizer_config.json')
  const given = await readJson(file)
  const beside = await readJson(path.join(out, 'special_tokens_map.json'))
  if (!(await folder.has(path.join(settings.transformer, 'tokenizer.json')))) return
  const { padSide, truncationSide, padId } = settings.tokenizer
  const standard = {
    tokenizer_class: anyTokenizer,
    model_max_length: tokenizer.maximumTokens,
    padding_side: padSide,
    truncation_side: truncationSide,
    ...(beside?.['pad_token'] ? {} : { pad_token: tokenizer.tokenOf(padId) }),
  }
  const complete: Json = { ...standard, ...given }
  const isLater = complete['tokenizer_class'] === 'TokenizersBackend'
  if (!isLater && Object.keys(standard).every((key) => given && key in given)) return
  await writeJson(file, isLater ? { ...complete, tokenizer_class: anyTokenizer } : complete)
}

type Json = Readonly<Record<string, unknown>>

async function readJson(file: string): Promise<Json | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const parsed: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined
}

function writeJson(file: string, value: object): Promise<void> {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`)
}
