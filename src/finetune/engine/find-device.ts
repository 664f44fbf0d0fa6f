import { createBuilder, serializeModel } from '../../graph/index.ts'
import { type ConcreteDevice, type Device, openSession } from '../../runtime/index.ts'

/**
 * The device that ONNX Runtime takes a graph on, and why one before it was passed over: asked by loading a small one, as a driver says nothing about
 * whether its execution provider is installed. `device-unavailable` where the one that was asked for cannot be used.
 */
export async function findDevice(
  device: Device,
): Promise<{ readonly device: ConcreteDevice; readonly fallback: string | undefined }> {
  if (device === 'cpu') return { device, fallback: undefined }
  const g = createBuilder()
  const type = { dtype: 'float32', dims: [1] } as const
  g.output(g.op('Identity', [g.input('value', type)], {}, { type }))
  const model = { graph: g.build('device'), irVersion: 9, opsets: new Map([['', 20]]), functions: [] }
  const { session, ...found } = await openSession(serializeModel(model), { device, threads: 1 })
  await session.release()
  return found
}
