import { createHash } from 'node:crypto'
import { appendHead, type Head } from '../../embed/index.ts'
import { createBuilder, prune, type ValueName } from '../../graph/index.ts'
import { QontrastError } from '../../shared/index.ts'
import type { Tower } from '../tower/tower.ts'
import type { Definition } from './definition.ts'
import { fileForm, needsOf, tensorOf, trainingForm } from './forms.ts'
import { initialize } from './initialize.ts'
import { writeModel } from './write-model.ts'

export interface TowerDesign {
  readonly definition: Definition
  /** What makes one vector of what the definition gives; its layers have no weights. */
  readonly head: Head
  readonly seed: number
  readonly dropout: number
  /** Names of the inputs that its processor feeds. */
  readonly feeds: ReadonlySet<ValueName>
  /** Names the design in the tower's identity. */
  readonly facts: string
  /** Files that describe the model, where texts are cut to so many tokens. */
  describe(maximumTokens: number | undefined): Readonly<Record<string, object>>
}

/** A tower that never was a file: its weights begin as its definition says, and what it writes has nothing of training in it. */
export function buildTower({ definition, head, seed, dropout, feeds, facts, describe }: TowerDesign): Tower {
  const needs = needsOf(definition)
  const form = trainingForm(definition, needs, { dropout: dropout > 0 })
  const g = createBuilder({ ...form.graph, outputs: [] }, form.types)
  const output = appendHead(g, form.output, head, (name) => {
    throw new QontrastError('internal', `a new model's head has the weight '${name}'`)
  })
  g.output(output)
  const dimensions = g.dimsOf(output)[1]
  if (typeof dimensions !== 'number') throw new QontrastError('internal', `vectors of no fixed size: ${dimensions}`)
  const numbers = new Map(
    [...needs.weights, ...needs.buffers].map(([name, { dims, options }]) => [
      name,
      initialize(options.begin, { name, dims, seed }),
    ]),
  )
  const begun = (name: ValueName, dims: readonly number[]) => tensorOf(numbers.get(name) ?? new Float32Array(), dims)
  return {
    model: { ...form.model, graph: prune(g.build('tower')) },
    types: g.types(),
    inputs: g.build().inputs.flatMap(({ name }) => (feeds.has(name) ? [name] : [])),
    output,
    dimensions,
    parameters: new Map(
      [...needs.weights].map(
        ([
          name,
          {
            dims,
            options: { role },
          },
        ]) => [name, { value: begun(name, dims), role }],
      ),
    ),
    buffers: new Map(
      [...needs.buffers].map(([name, { dims }]) => [
        name,
        { value: begun(name, dims), next: form.renewed.get(name) ?? name },
      ]),
    ),
    batchDependent: needs.buffers.size > 0,
    dropout: form.drops.length > 0 ? { probability: dropout, places: form.drops } : undefined,
    notices: [],
    identity() {
      const hash = createHash('sha256').update(facts)
      for (const [name, values] of numbers) hash.update(`\n${name}\n`).update(values)
      return hash.digest('hex')
    },
    write: (folder, values, { maximumTokens } = {}) =>
      writeModel(folder, fileForm(definition, new Map([...numbers, ...values])), { files: describe(maximumTokens) }),
  }
}
