import type { GraphBuilder, ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { type Expression, operations } from './arithmetic.ts'

/** Writes expressions as nodes of a graph, which broadcasts numbers over tensors; a part that several share is written once. */
export function graphWriter(
  g: GraphBuilder,
  values: Readonly<Record<string, ValueName>>,
): (expression: Expression) => ValueName {
  const written = new Map<Expression, ValueName>()
  return function write(expression): ValueName {
    const known = written.get(expression)
    if (known !== undefined) return known
    const name = node(expression)
    written.set(expression, name)
    return name

    function node(given: Expression): ValueName {
      if (given.kind === 'constant') return g.scalar(given.value)
      if (given.kind === 'apply') return g.op(operations[given.operation].op, given.to.map(write))
      const name = values[given.name]
      if (name === undefined)
        throw new QontrastError('internal', `an update reads '${given.name}', which is no value of it`)
      return name
    }
  }
}
