import { createBuilder, serializeModel } from '../../graph/index.ts'
import { type ConcreteDevice, type Device, type OpenedSession, openSession } from '../../runtime/index.ts'

/**
 * The device that ONNX Runtime takes a graph on, and why one before it was passed over: asked by running a small one, as a driver says nothing about
 * whether its execution provider is installed. `device-unavailable` where the one that was asked for cannot be used.
 */
export async function findDevice(
  device: Device | readonly ConcreteDevice[],
): Promise<Pick<OpenedSession, 'device' | 'fallback'>> {
  if (device === 'cpu') return { device, fallback: undefined }
  const g = createBuilder()
  const value = g.input('value', { dtype: 'float32', dims: [2, 2] })
  g.output(g.op('MatMul', [value, value]))
  const model = { graph: g.build('device'), irVersion: 9, opsets: new Map([['', 20]]), functions: [] }
  const opened = await openSession(serializeModel(model), {
    device,
    threads: 1,
    probe: ({ session, Tensor }) => session.run({ [value]: new Tensor('float32', new Float32Array(4), [2, 2]) }),
  })
  await opened.session.release()
  return { device: opened.device, fallback: opened.fallback }
}
