import { existsSync } from 'node:fs'

export const devices = ['auto', 'cpu', 'cuda', 'webgpu', 'dml', 'coreml'] as const
/** Where a model runs. `auto` takes a GPU that is there and usable, else the CPU. */
export type Device = (typeof devices)[number]
export type ConcreteDevice = Exclude<Device, 'auto'>

/** Execution providers by device, in the order in which ONNX Runtime places operators. */
const executionProviders: Record<ConcreteDevice, readonly string[]> = {
  cpu: ['cpu'],
  cuda: ['cuda', 'cpu'],
  webgpu: ['webgpu', 'cpu'],
  dml: ['dml', 'cpu'],
  coreml: ['coreml', 'cpu'],
}

/** What `auto` tries before the CPU. WebGPU and Core ML are taken only when asked for: neither is always faster than the CPU. */
const accelerators: Partial<Record<NodeJS.Platform, readonly { device: ConcreteDevice; present: () => boolean }[]>> = {
  linux: [{ device: 'cuda', present: () => existsSync('/proc/driver/nvidia/version') }],
  win32: [{ device: 'dml', present: () => true }],
}

/** The devices to try, in order. */
export function deviceCandidates(device: Device): readonly ConcreteDevice[] {
  if (device !== 'auto') return [device]
  const present = (accelerators[process.platform] ?? []).filter((candidate) => candidate.present())
  return [...present.map((candidate) => candidate.device), 'cpu']
}

export function executionProvidersOf(device: ConcreteDevice): readonly string[] {
  return executionProviders[device]
}
