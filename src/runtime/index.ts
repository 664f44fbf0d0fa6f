export type { InferenceSession, Tensor } from 'onnxruntime-node'
export { createProcessPool, type ProcessPool } from './process-pool.ts'
export { type ConcreteDevice, type Device, deviceCandidates } from './providers.ts'
export {
  createResidentRunner,
  type ResidentResults,
  type ResidentRunner,
  type ResidentTensor,
} from './resident-runner.ts'
export { createRunner, type HostTensor, type HostTensors, type Runner } from './runner.ts'
export { type ProcessService, serveProcess } from './serve-process.ts'
export { type OpenedSession, openSession } from './session.ts'
