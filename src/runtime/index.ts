export type { InferenceSession, Tensor } from 'onnxruntime-node'
export { entryOf } from './entry.ts'
export { keepReportsHome } from './load-runtime.ts'
export { movable } from './moved.ts'
export type { Answered, Peer } from './peer.ts'
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
export { serveThread, type ThreadService } from './serve-thread.ts'
export { type LoadedSession, type OpenedSession, openSession } from './session.ts'
export { startThread, type Thread, type ThreadOptions } from './thread.ts'
