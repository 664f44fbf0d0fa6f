import { type Evaluate, serializeModel, type TensorValue, type ValueName } from '../../graph/index.ts'
import { createRunner } from '../../runtime/index.ts'
import { toHostTensor, toTensorValue } from '../tensors.ts'

/** Runs a model once for each set of inputs, on the CPU. */
export const evaluateGraph: Evaluate = async (model, feeds) => {
  const runner = await createRunner(serializeModel(model), { device: 'cpu', threads: 1 })
  try {
    const results: ReadonlyMap<ValueName, TensorValue>[] = []
    for (const one of feeds) {
      const inputs = Object.fromEntries(Object.entries(one).map(([name, value]) => [name, toHostTensor(value)]))
      const outputs = await runner.run(inputs)
      results.push(new Map(Object.entries(outputs).map(([name, value]) => [name, toTensorValue(value)])))
    }
    return results
  } finally {
    await runner.release()
  }
}
