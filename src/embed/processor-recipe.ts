import type { Processor } from './processor.ts'
import { createTextProcessor, type TextRecipe } from './transformer/text-processor.ts'

/** What a processor is made of, as plain data: it goes to other threads, which make their own. */
export type ProcessorRecipe = TextRecipe

/** Each kind of processor from its recipe. */
const kinds: Readonly<Record<ProcessorRecipe['kind'], (recipe: ProcessorRecipe) => Promise<Processor>>> = {
  async text({ tokenizerFile, ...options }) {
    const { createTokenizer } = await import('./tokenizer.ts') // heavy, and not needed by who only names processors
    return createTextProcessor({ ...options, tokenizer: createTokenizer(tokenizerFile, options.settings) })
  },
}

export function openProcessor(recipe: ProcessorRecipe): Promise<Processor> {
  return kinds[recipe.kind](recipe)
}
