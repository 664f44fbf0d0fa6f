import { isKind } from '../shared/index.ts'
import type { HostTensors } from './runner.ts'

/** The memory of tensors, each buffer once, to be moved to another thread; shared memory needs no moving. */
export function movable(tensors: Iterable<HostTensors>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const feeds of tensors)
    for (const { data } of Object.values(feeds)) if (isKind(data.buffer, 'ArrayBuffer')) buffers.add(data.buffer)
  return [...buffers]
}
