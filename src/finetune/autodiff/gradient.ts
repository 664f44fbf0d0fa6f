import { type GraphBuilder, type GraphNode, isKnownOp, specOf, type ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import { type InputGradient, type RuleContext, untrainable } from './rule.ts'
import { rules } from './rules.ts'
import { sumTo } from './sum-to.ts'

export interface GradientOptions {
  /** Values whose gradient is known, each with the value that holds it; for a loss, a scalar 1. */
  readonly seeds: ReadonlyMap<ValueName, ValueName>
  /** Values to differentiate by: inputs, weights, or any value of the graph, where the walk ends. */
  readonly targets: readonly ValueName[]
}

/**
 * Appends the reverse pass to a graph and returns the gradient of each target (reverse-mode automatic differentiation: Griewank and Walther,
 * Evaluating Derivatives, 2008, chapter 3). A target that nothing flows to is missing. Knows no operator: rules do.
 * Throws `model-invalid` where an operator between targets and seeds has no gradient, with the node and what to do.
 */
export function appendGradient(g: GraphBuilder, { seeds, targets }: GradientOptions): Map<ValueName, ValueName> {
  const forward = [...g.nodes()]
  const wanted = reachedFrom(forward, new Set(targets))
  const parts = new Map<ValueName, ValueName[]>([...seeds].map(([value, seed]) => [value, [seed]]))
  const gradients = new Map<ValueName, ValueName>()

  const take = (value: ValueName): ValueName | undefined => {
    const gradient = parts.get(value)?.reduce((sum, part) => g.op('Add', [sum, part]))
    if (gradient !== undefined && targets.includes(value)) gradients.set(value, gradient)
    return gradient
  }
  const give = (value: ValueName, gradient: InputGradient): void => {
    if (gradient === null) return
    const dims = g.dimsOf(value)
    const summed = typeof gradient === 'string' ? gradient : sumTo(g, gradient.value, { from: gradient.dims, to: dims })
    g.setType(summed, { dtype: 'float32', dims })
    parts.set(value, [...(parts.get(value) ?? []), summed])
  }

  for (const node of forward.toReversed()) {
    const upstreams = node.outputs.map((name) => (name === '' ? undefined : take(name)))
    if (node.outputs.every((name) => !wanted.has(name) || targets.includes(name))) continue
    if (upstreams.every((upstream) => upstream === undefined)) continue
    const needs = node.inputs.map((name) => wanted.has(name))
    const results = applyRule(contextOf(g, node, needs), upstreams)
    if (results.length > node.inputs.length)
      throw new QontrastError('internal', `the rule of ${node.op} gave ${results.length} gradients`)
    for (const [i, gradient] of results.entries()) if (needs[i]) give(node.inputs[i] ?? '', gradient)
  }
  for (const target of targets) if (!gradients.has(target)) take(target)
  return gradients
}

/** Values that depend on a target. */
function reachedFrom(nodes: readonly GraphNode[], targets: ReadonlySet<ValueName>): Set<ValueName> {
  const reached = new Set(targets)
  for (const node of nodes) {
    if (!node.inputs.some((name) => reached.has(name)) || hasZeroGradient(node)) continue
    for (const name of node.outputs) reached.add(name)
  }
  return reached
}

/** Whether a node's output does not change with its inputs, or only in jumps. */
export function hasZeroGradient({ op }: GraphNode): boolean {
  return isKnownOp(op) && rules[op] === 'zero'
}

function applyRule(context: RuleContext, upstreams: readonly (ValueName | undefined)[]): readonly InputGradient[] {
  const { node } = context
  if (!isKnownOp(node.op))
    throw refused(node, 'this operator is not known here. docs/ops.md lists those that can be trained')
  const entry = rules[node.op]
  if (entry === 'zero') return []
  if ('refuse' in entry) throw refused(node, entry.refuse)
  const inputs = specOf(node.op)?.inputs ?? [0, 0]
  if (node.inputs.length < inputs[0] || node.inputs.length > inputs[1])
    throw refused(node, `it has ${node.inputs.length} inputs where ${inputs.join(' to ')} are expected`)
  if ('join' in entry) return entry.join(context, upstreams)
  const [upstream, ...others] = upstreams
  const flowing = others.findIndex((other) => other !== undefined)
  if (upstream === undefined || flowing >= 0)
    throw refused(node, `only its first output has a gradient here, and '${node.outputs[flowing + 1]}' is used`)
  return entry.rule(context, upstream)
}

function refused(node: GraphNode, reason: string): QontrastError {
  return untrainable(`node '${node.name}' (${node.op}): ${reason}`)
}

function contextOf(g: GraphBuilder, node: GraphNode, wanted: readonly boolean[]): RuleContext {
  const at = (names: readonly ValueName[], index: number, kind: string) => {
    const name = names[index]
    if (name !== undefined && name !== '') return name
    throw new QontrastError('internal', `${node.op} '${node.name}' has no ${kind} ${index}`)
  }
  return {
    g,
    node,
    wanted,
    input: (index) => at(node.inputs, index, 'input'),
    output: (index = 0) => at(node.outputs, index, 'output'),
    dims: (value) => g.dimsOf(value),
  }
}
