import { createBuilder, serializeModel } from '../../src/graph/index.ts'
import { createRunner, serveThread } from '../../src/runtime/index.ts'

const size = 768

/** Multiplies matrices for a good part of a second, again and again, and tells before each time. */
serveThread<undefined, { readonly times: number }>(async (_, parent) => {
  const g = createBuilder()
  const type = { dtype: 'float32', dims: [size, size] } as const
  const matrix = g.input('matrix', type)
  let product = matrix
  for (let i = 0; i < 24; i++) product = g.op('MatMul', [product, matrix])
  g.output(product)
  const model = { graph: g.build('products'), irVersion: 9, opsets: new Map([['', 20]]), functions: [] }
  const runner = await createRunner(serializeModel(model), { device: 'cpu', threads: 1 })
  const data = new Float32Array(size * size).fill(1 / size)
  return {
    async run({ times }) {
      for (let time = 0; time < times; time++) {
        void parent.ask({ time })
        await runner.run({ matrix: { dtype: 'float32', dims: [size, size], data } })
      }
      return { answer: times }
    },
    close: () => runner.release(),
  }
})
