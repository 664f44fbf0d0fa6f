import { type Evaluate, serializeModel, type TensorValue, type ValueName } from '../../graph/index.ts'
import { createRunner, type HostTensor } from '../../runtime/index.ts'
import { QontrastError } from '../../shared/index.ts'

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

/** A view of the same memory where it is aligned. */
function toHostTensor({ dtype, dims, bytes }: TensorValue): HostTensor {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
  switch (dtype) {
    case 'float32':
      return { dtype, dims, data: new Float32Array(buffer, byteOffset, byteLength / 4) }
    case 'int64':
      return { dtype, dims, data: new BigInt64Array(buffer, byteOffset, byteLength / 8) }
    case 'int32':
      return { dtype, dims, data: new Int32Array(buffer, byteOffset, byteLength / 4) }
    case 'bool':
      return { dtype, dims, data: new Uint8Array(buffer, byteOffset, byteLength) }
    default:
      throw new QontrastError('internal', `a tensor of ${dtype} is fed to no graph`)
  }
}

function toTensorValue({ dtype, dims, data }: HostTensor): TensorValue {
  return {
    dtype,
    dims,
    bytes: new Uint8Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer),
  }
}
