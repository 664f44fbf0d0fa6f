import type { ValueName } from '../../graph/index.ts'
import { attention, layerNorm, linear, maskOf, narrow, places } from './blocks.ts'
import type { Definition, Writing } from './definition.ts'

/** Sizes of a transformer. */
export interface TransformerShape {
  readonly layers: number
  /** Numbers of a token's vector. */
  readonly width: number
  readonly heads: number
  /** Numbers between the two layers of a feed-forward part. */
  readonly hidden: number
  readonly vocabulary: number
  /** Longest text in tokens. */
  readonly positions: number
}

export const normEpsilon = 1e-12

/** An encoder as BERT's (Devlin et al. 2019, arXiv:1810.04805) without token types, under BERT's names. */
export function transformerDefinition(shape: TransformerShape): Definition {
  const { layers, width, vocabulary, positions } = shape
  const dims = ['batch', 'sequence'] as const
  return {
    inputs: new Map([
      ['input_ids', { dtype: 'int64', dims }],
      ['attention_mask', { dtype: 'int64', dims }],
    ]),
    output: 'last_hidden_state',
    write(writing, { input_ids: ids = '', attention_mask: present = '' }) {
      const { g, weight, drop } = writing
      const part = 'embeddings'
      const words = weight(`${part}.word_embeddings.weight`, [vocabulary, width], { begin: narrow, role: 'embedding' })
      const table = weight(`${part}.position_embeddings.weight`, [positions, width], {
        begin: narrow,
        role: 'position',
      })
      const word = g.op('Gather', [words, ids], { axis: 0 })
      const place = g.op('Gather', [table, places(g, ids, 1)], { axis: 0 })
      const sum = g.reshape(g.op('Add', [word, place]), ['batch*sequence', width])
      const first = drop(layerNorm(writing, `${part}.LayerNorm`, sum, { width, epsilon: normEpsilon }))
      const mask = maskOf(g, present)
      const names = Array.from({ length: layers }, (_, i) => `encoder.layer.${i}`)
      const rows = names.reduce((before, name) => layer(writing, name, before, { shape, mask }), first)
      return g.reshape(rows, ['batch', 'sequence', width])
    },
  }
}

interface Layer {
  readonly shape: TransformerShape
  readonly mask: ValueName
}

/** Attention, then a feed-forward part; each is added to what it was given, and normalised. */
function layer(writing: Writing, name: string, rows: ValueName, { shape, mask }: Layer): ValueName {
  const { g, drop } = writing
  const { width, heads, hidden } = shape
  const norm = { width, epsilon: normEpsilon }
  const project = (part: string) => linear(writing, `${name}.attention.self.${part}`, rows, { from: width, to: width })
  const [query, key, value] = [project('query'), project('key'), project('value')]
  const mixed = attention(writing, { query, key, value, sequence: 'sequence', width, heads, mask })
  const attended = drop(linear(writing, `${name}.attention.output.dense`, mixed, { from: width, to: width }))
  const between = layerNorm(writing, `${name}.attention.output.LayerNorm`, g.op('Add', [rows, attended]), norm)
  const inner = linear(writing, `${name}.intermediate.dense`, between, { from: width, to: hidden })
  const outer = linear(writing, `${name}.output.dense`, g.op('Gelu', [inner]), { from: hidden, to: width })
  return layerNorm(writing, `${name}.output.LayerNorm`, g.op('Add', [between, drop(outer)]), norm)
}
