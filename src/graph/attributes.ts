import type { TensorValue } from './tensor.ts'
import type { Attribute, Graph, GraphNode } from './types.ts'

/** An attribute as it is written in code; whole numbers are ints, so a whole float is given as `{ float: 1 }`. */
export type AttributeInput =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly tensor: TensorValue }
  | { readonly graph: Graph }
  | Attribute

export function toAttribute(input: AttributeInput): Attribute {
  if (typeof input === 'number') {
    return Number.isInteger(input) ? { kind: 'int', value: BigInt(input) } : { kind: 'float', value: input }
  }
  if (typeof input === 'string') return { kind: 'string', value: new TextEncoder().encode(input) }
  if (isNumbers(input)) return { kind: 'ints', value: input.map(BigInt) }
  if ('kind' in input) return input
  if ('float' in input) return { kind: 'float', value: input.float }
  if ('tensor' in input) return { kind: 'tensor', value: input.tensor }
  return { kind: 'graph', value: input.graph }
}

export function intOf(node: GraphNode, name: string, standard: number): number {
  const attribute = node.attributes[name]
  return attribute?.kind === 'int' ? Number(attribute.value) : standard
}

export function floatOf(node: GraphNode, name: string, standard: number): number {
  const attribute = node.attributes[name]
  return attribute?.kind === 'float' ? attribute.value : standard
}

export function intsOf(node: GraphNode, name: string): number[] | undefined {
  const attribute = node.attributes[name]
  return attribute?.kind === 'ints' ? attribute.value.map(Number) : undefined
}

export function stringOf(node: GraphNode, name: string, standard: string): string {
  const attribute = node.attributes[name]
  return attribute?.kind === 'string' ? new TextDecoder().decode(attribute.value) : standard
}

function isNumbers(input: AttributeInput): input is readonly number[] {
  return Array.isArray(input)
}
