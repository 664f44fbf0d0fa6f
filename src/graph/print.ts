import { inferTypes, typeText } from './infer/infer.ts'
import { numbersOf, sizeOf, type TensorValue } from './tensor.ts'
import type { Attribute, Graph, ValueName, ValueType } from './types.ts'

const mostValues = 8

/**
 * A graph as text, one node a line, in the order in which it runs, with the types that follow from its inputs: `%3: float32[batch, 4] = MatMul(%x, %w)`.
 * Constants of a few values are written out.
 */
export function printGraph(graph: Graph, types: ReadonlyMap<ValueName, ValueType> = inferTypes(graph)): string {
  const { inputs, outputs, initializers, nodes } = graph
  const numbers = new Map<ValueName, string>()
  const named = new Set(inputs.map(({ name }) => name))
  const label = (name: ValueName): string => {
    if (name === '') return '_'
    if (named.has(name)) return `%${name}`
    const tensor = initializers.get(name)
    if (tensor && sizeOf(tensor.dims) <= mostValues) return constant(tensor)
    if (tensor) return `%${name}`
    if (!numbers.has(name)) numbers.set(name, `%${numbers.size}`)
    return numbers.get(name) ?? name
  }
  const typed = (name: ValueName): string => (name === '' ? '_' : `${label(name)}: ${typeText(types.get(name))}`)
  const head = inputs.map(({ name, type }) => `%${name}: ${typeText(type)}`).join(', ')
  const weights = [...initializers]
    .filter(([, { dims }]) => sizeOf(dims) > mostValues)
    .map(([name, type]) => `  %${name}: ${typeText(type)}\n`)
  const body = nodes.map(({ op, inputs: given, outputs: results, attributes }) => {
    const read = given.map(label).join(', ')
    const settings = Object.entries(attributes).map(([name, attribute]) => `${name}=${setting(attribute)}`)
    return `  ${results.map(typed).join(', ')} = ${op}(${read})${settings.length > 0 ? ` {${settings.join(', ')}}` : ''}\n`
  })
  return `(${head}) {\n${weights.join('')}${body.join('')}  return ${outputs.map(({ name }) => label(name)).join(', ')}\n}`
}

function constant(tensor: TensorValue): string {
  const values = numbersOf(tensor).map((value) => String(Number(value.toPrecision(7))))
  const kind = tensor.dtype === 'float32' ? '' : `${tensor.dtype} `
  return tensor.dims.length === 0 ? `${kind}${values[0]}` : `${kind}[${values.join(', ')}]`
}

function setting(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'string':
      return JSON.stringify(new TextDecoder().decode(attribute.value))
    case 'ints':
    case 'floats':
      return `[${attribute.value.join(', ')}]`
    case 'tensor':
      return constant(attribute.value)
    case 'graph':
      return printGraph(attribute.value)
    case 'strings':
      return `[${attribute.value.map((bytes) => new TextDecoder().decode(bytes)).join(', ')}]`
    default:
      return String(attribute.value)
  }
}
