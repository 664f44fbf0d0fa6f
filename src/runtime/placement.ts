import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { type ConcreteDevice, executionProviderNames } from './providers.ts'

/** Who took the operators of a graph, as ONNX Runtime's profile of a run says it; copies between the two are not counted. */
export interface Placement {
  readonly onDevice: number
  readonly onCpu: number
}

interface ProfileEvent {
  readonly args?: { readonly provider?: string; readonly op_name?: string }
}

/** Reads the only profile in a folder. */
export async function readPlacement(folder: string, device: ConcreteDevice): Promise<Placement> {
  const [name = ''] = await readdir(folder)
  const events: readonly ProfileEvent[] = JSON.parse(await readFile(path.join(folder, name), 'utf8'))
  const ran = (executor: ConcreteDevice) =>
    events.filter(
      ({ args }) => args?.provider === executionProviderNames[executor] && !args.op_name?.startsWith('Memcpy'),
    ).length
  return { onDevice: ran(device), onCpu: ran('cpu') }
}
