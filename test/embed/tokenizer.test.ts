import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createTokenizer, type TokenizerSettings } from '../../src/embed/tokenizer.ts'

interface Golden {
  readonly texts: string[]
  readonly tokenizers: Record<string, { readonly tokenizer: object; readonly ids: string[] }>
}

const golden: Golden = JSON.parse(readFileSync(new URL('../fixtures/tokenizers.json', import.meta.url), 'utf8'))
const settings: TokenizerSettings = {
  maximumTokens: 8,
  truncationSide: 'right',
  padId: 0,
  padSide: 'right',
  lowerCase: false,
}
const of = (name: string, more: Partial<TokenizerSettings> = {}) =>
  createTokenizer(golden.tokenizers[name]?.tokenizer ?? {}, { ...settings, ...more })

describe("ids are those of Hugging Face's tokenizers, on texts of all scripts, for", () => {
  test.each(Object.keys(golden.tokenizers))('%s', (name) => {
    const tokenizer = of(name)
    const differing = golden.texts.flatMap((text, i) => {
      const ids = tokenizer.ids(text).join(' ')
      return ids === golden.tokenizers[name]?.ids[i] ? [] : [{ text, ids, wanted: golden.tokenizers[name]?.ids[i] }]
    })
    expect(differing).toEqual([])
  })
})

test('a lone surrogate is read as the replacement character', () => {
  const tokenizer = of('byte-level')
  expect(tokenizer.ids('a\ud800b')).toEqual(tokenizer.ids('a\ufffdb'))
})

test('a long text is cut at the end that the model cuts, with the same ids as of the whole', () => {
  const text = golden.texts.slice(0, 40).join('  \n ')
  for (const name of Object.keys(golden.tokenizers)) {
    const ids = of(name).ids(text)
    expect(of(name).encode(text)).toEqual(ids.slice(0, 8))
    expect(of(name, { truncationSide: 'left' }).encode(text)).toEqual(ids.slice(-8))
  }
})
