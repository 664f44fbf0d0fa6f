import { cp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { loadEncoder } from '../../src/embed/index.ts'
import { writeModels } from '../support/static-models.ts'
import { temporaryFolder } from '../support/temporary.ts'

const fixtures = new URL('../fixtures/models/', import.meta.url).pathname

/** What version 0.1.0 gave to these folders. */
const before = {
  default: '556553042ffa2b49d7519041af2e0077',
  'bert-tracing': 'f464940bb63b6fa4f18d8cb66d73c1ce',
  'distilbert-tracing': '59df8c0bf687db5447872f4a82335812',
  'roberta-dynamo': '8b88c5236fc099a2eb07b54328f6141b',
  'bert-external-data': '147b30a9965d47bcaea7560be5e5023b',
}

test.each(Object.entries(before))('%s is recognised as the model of an index of 0.1.0', async (name, fingerprint) => {
  const folder = name === 'default' ? name : path.join(fixtures, name)
  await using encoder = await loadEncoder(folder, name === 'default' ? {} : { device: 'cpu' })
  expect(encoder.legacy?.fingerprints).toEqual([fingerprint])
  expect(encoder.fingerprint).not.toBe(fingerprint)
})

test('only texts that are read otherwise differ from what 0.1.0 made of them', async () => {
  await using encoder = await loadEncoder('default')
  const same = ['The quick brown fox.', 'naïve café, Zürich', '東京は日本の首都です', '한국어 text', 'ΑΘΗΝΑ']
  const other = ['ΟΔΟΣ', '𠀀𠀁 is rare', '', '🧪', 'x\u{11660}y']
  expect(same.filter((text) => encoder.legacy?.differs(text))).toEqual([])
  expect(other.filter((text) => !encoder.legacy?.differs(text))).toEqual([])
})

test('every text differs where the model is computed otherwise', async () => {
  await using own = await loadEncoder(path.join(fixtures, 'bert-own-sentence'), { device: 'cpu' })
  await using ordered = await loadEncoder(path.join(fixtures, 'distilbert-normalize-first'), { device: 'cpu' })
  await using same = await loadEncoder(path.join(fixtures, 'distilbert-tracing'), { device: 'cpu' })
  expect([own, ordered, same].map(({ legacy }) => legacy?.differs('hello world'))).toEqual([true, true, false])
})

test('a text that is cut at its beginning now differs where it is too long', async () => {
  const folder = path.join(await temporaryFolder(), 'model')
  await cp(path.join(fixtures, 'bert-tracing'), folder, { recursive: true })
  const config = path.join(folder, 'tokenizer_config.json')
  await writeFile(config, JSON.stringify({ ...JSON.parse(await readFile(config, 'utf8')), truncation_side: 'left' }))
  await using encoder = await loadEncoder(folder, { device: 'cpu' })
  expect(encoder.legacy?.differs('short')).toBe(false)
  expect(encoder.legacy?.differs(`brown fox ${'one two three four five six '.repeat(20)}`)).toBe(true)
})

test('a table that knows no word of a text had another vector then', async () => {
  await using encoder = await loadEncoder((await writeModels(await temporaryFolder())).left)
  expect(encoder.legacy?.differs('w1 w2')).toBe(false)
  expect(encoder.legacy?.differs('zebra')).toBe(true)
})
