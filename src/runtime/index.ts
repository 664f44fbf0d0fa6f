export { createProcessPool, type ProcessPool } from './process-pool.ts'
export type { ConcreteDevice, Device } from './providers.ts'
export { type ProcessService, serveProcess } from './serve-process.ts'
export { type OpenedSession, openSession } from './session.ts'
