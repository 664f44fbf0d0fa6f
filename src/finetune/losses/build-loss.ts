import { type Dims, type GraphBuilder, typeText, type ValueName } from '../../graph/index.ts'
import { messageOf, QontrastError } from '../../shared/index.ts'
import type { Loss, LossOutput, LossValues } from './loss.ts'

/** Has a loss write its graph. `invalid-option` with the loss's name where it cannot be written, or where it gives what no training can go on from. */
export function buildLoss(g: GraphBuilder, loss: Loss, values: LossValues): LossOutput {
  const wrong = (reason: string, cause?: unknown) =>
    new QontrastError('invalid-option', `The loss '${loss.name}' cannot be used: ${reason}`, { cause })
  const checkNumber = (value: ValueName, what: string) => {
    const type = g.typeOf(value)
    if (!g.has(value)) throw wrong(`${what} '${value}' is no value of the graph.`)
    if (type && !isNumber(type.dtype, type.dims))
      throw wrong(`${what} is ${typeText(type)}, and must be one float32. Average it: ReduceMean with { keepdims: 0 }.`)
  }

  let output: LossOutput
  try {
    output = loss.build(g, values)
  } catch (cause) {
    throw wrong(messageOf(cause), cause)
  }
  checkNumber(output.loss, 'the loss')
  for (const [name, value] of Object.entries(output.metrics ?? {})) checkNumber(value, `the metric '${name}'`)
  for (const [name, value] of Object.entries(output.state ?? {})) {
    const before = loss.state?.[name]
    if (!before) throw wrong(`its next '${name}' is not among its state (${namesOf(loss.state) || 'none'}).`)
    const type = g.typeOf(value)
    const isSame = type?.dtype === before.dtype && (!type.dims || canBe(type.dims, before.dims))
    if (!isSame) throw wrong(`its next '${name}' is ${typeText(type)}, and its state ${typeText(before)}.`)
  }
  return output
}

function isNumber(dtype: string, dims: Dims | undefined): boolean {
  return dtype === 'float32' && (dims ?? []).every((dim) => dim === 1)
}

/** Symbols are known only when the graph runs. */
function canBe(dims: Dims, sizes: readonly number[]): boolean {
  return dims.length === sizes.length && dims.every((dim, axis) => typeof dim !== 'number' || dim === sizes[axis])
}

function namesOf(record: Readonly<Record<string, unknown>> | undefined): string {
  return Object.keys(record ?? {}).join(', ')
}
