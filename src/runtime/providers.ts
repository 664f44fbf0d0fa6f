import { existsSync } from 'node:fs'
import { QontrastError } from '../shared/index.ts'

export const devices = ['auto', 'cpu', 'cuda', 'webgpu', 'dml', 'coreml'] as const
/** Where a model runs. `auto` takes a GPU that is there and usable, else the CPU. */
export type Device = (typeof devices)[number]
export type ConcreteDevice = Exclude<Device, 'auto'>
/** Of encoding and of training, in the library and on the command line. */
export const defaultDevice: Device = 'auto'

/** ONNX Runtime's names of what runs operators, as it writes them into a profile. */
export const executionProviderNames: Readonly<Record<ConcreteDevice, string>> = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
  dml: 'DmlExecutionProvider',
  coreml: 'CoreMLExecutionProvider',
}

/** What `auto` tries before the CPU. WebGPU and Core ML are taken only when asked for: neither is always faster than the CPU. */
const accelerators: Partial<Record<NodeJS.Platform, readonly { device: ConcreteDevice; present: () => boolean }[]>> = {
  linux: [{ device: 'cuda', present: () => existsSync('/proc/driver/nvidia/version') }],
  win32: [{ device: 'dml', present: () => true }],
}

/** The devices to try, in order: which of them takes a graph is known once a session is open. */
export function deviceCandidates(device: Device): readonly ConcreteDevice[] {
  if (device !== 'auto') return [device]
  const present = (accelerators[process.platform] ?? []).filter((candidate) => candidate.present())
  return [...present.map((candidate) => candidate.device), 'cpu']
}

/** Execution providers in the order in which ONNX Runtime places operators: what a device does not take, the CPU does. */
export function executionProvidersOf(device: ConcreteDevice): readonly string[] {
  return device === 'cpu' ? ['cpu'] : [device, 'cpu']
}

/** `invalid-option` for a device that does not exist anywhere. */
export function checkDevice(device: string | undefined): void {
  if (device === undefined || devices.some((known) => known === device)) return
  throw new QontrastError('invalid-option', `device must be one of ${devices.join(', ')}; got '${device}'.`)
}
