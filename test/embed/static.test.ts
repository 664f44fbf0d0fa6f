import { readFileSync } from 'node:fs'
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { loadEncoder } from '../../src/embed/index.ts'
import { dot } from '../../src/shared/index.ts'
import { describeWithShared, sharedPath } from '../support/shared.ts'

const golden: { texts: string[]; vectors: Record<string, number[][]> } = JSON.parse(
  readFileSync(new URL('../fixtures/model2vec.json', import.meta.url), 'utf8'),
)

describeWithShared('Model2Vec fixtures', ['models', 'model2vec-fixtures'], (fixtures) => {
  test.each(Object.entries(golden.vectors))('%s gives the vectors of Model2Vec to 1e-5', async (model, rows) => {
    await using encoder = await loadEncoder(path.join(fixtures, model))
    const vectors = await encoder.encode(golden.texts)
    for (const [text, row] of rows.entries()) {
      const worst = Math.max(...row.map((x, i) => Math.abs(x - (vectors.row(text)[i] ?? 9))))
      expect(worst, golden.texts[text]).toBeLessThanOrEqual(1e-5)
    }
  })

  test('a text of which no token is known has the zero vector, as in Model2Vec', async () => {
    await using encoder = await loadEncoder(path.join(fixtures, 'test-model-float32'))
    const unknown = ['', ' ', '\u{e000}', '\ud800', '\0', '🧪🧪']
    const vectors = await encoder.encode([...unknown, 'a word'])
    const lengths = Array.from({ length: vectors.rows }, (_, i) => dot(vectors.row(i), vectors.row(i)))
    expect(lengths.slice(0, -1)).toEqual(unknown.map(() => 0))
    expect(lengths.at(-1)).toBeCloseTo(1, 5)
  })

  test('a truncated weights file is refused with its name', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-'))
    await cp(path.join(fixtures, 'test-model-float32'), folder, { recursive: true })
    const weights = path.join(folder, 'model.safetensors')
    const whole = await readFile(weights)
    for (const length of [0, 7, 40, whole.length - 1]) {
      await writeFile(weights, whole.subarray(0, length))
      await expect(loadEncoder(folder)).rejects.toMatchObject({
        code: 'model-invalid',
        message: expect.stringContaining('model.safetensors'),
      })
    }
  })

  test('rejects calls after close and dimensions it does not have', async () => {
    const folder = path.join(fixtures, 'test-model-vocab-quantized')
    await expect(loadEncoder(folder, { dimensions: 65 })).rejects.toMatchObject({ code: 'invalid-option' })
    const encoder = await loadEncoder(folder, { dimensions: 16 })
    expect((await encoder.encode(['a'])).columns).toBe(16)
    await encoder.close()
    await expect(encoder.encode(['a'])).rejects.toMatchObject({ code: 'closed' })
  })
})

test('options that a table of token vectors cannot honour are refused or said', async () => {
  const refused = (options: object) => expect(loadEncoder('default', options)).rejects
  await refused({ dtype: 'q8' }).toMatchObject({ code: 'invalid-option', message: expect.stringContaining("'q8'") })
  await refused({ device: 'cuda' }).toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining("'cuda'"),
  })
  await refused({ output: 'x' }).toMatchObject({ code: 'invalid-option' })
  await refused({ dtype: 'q5' }).toMatchObject({ code: 'invalid-option', message: expect.stringContaining('fp16') })
  await refused({ device: 'gpu' }).toMatchObject({ code: 'invalid-option', message: expect.stringContaining('webgpu') })
  const warnings: string[] = []
  await using encoder = await loadEncoder('default', {
    workers: 2,
    device: 'cpu',
    onWarning: (text) => warnings.push(text),
  })
  expect(encoder.name).toBe('default')
  expect(warnings).toEqual([expect.stringContaining('workers')])
})

test.runIf(sharedPath('models'))('a folder that is none and a name that is none are told apart', async () => {
  await expect(loadEncoder('./no-such-folder')).rejects.toMatchObject({ code: 'model-not-found' })
  await expect(loadEncoder('no such name')).rejects.toMatchObject({
    code: 'model-not-found',
    message: expect.stringContaining('owner/name'),
  })
})
