export type { InferenceSession, Tensor } from 'onnxruntime-node'
export { type ChildLoss, createProcessPool, type ProcessPool } from './process-pool.ts'
export { type ConcreteDevice, checkDevice, type Device, defaultDevice, deviceCandidates, devices } from './providers.ts'
export {
  createResidentRunner,
  createRunner,
  type HostTensor,
  type HostTensors,
  type ResidentRunner,
  type ResidentTensor,
  type ResidentTensors,
  type Runner,
} from './runner.ts'
export { type ProcessService, serveProcess } from './serve-process.ts'
export { type LoadedSession, type OpenedSession, openSession } from './session.ts'
