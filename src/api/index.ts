import { checkNode } from '../shared/index.ts'

checkNode()

export { createKeyring, type Keyring } from './access/keyring.ts'
export { type Access, type ApiKey, createKey, keysFileSchema, type Scope, scopes } from './access/keys.ts'
export { type AppOptions, type AppType, createApp } from './app.ts'
export { defaultLimits, type Limits } from './limits.ts'
export type { Problem } from './problem.ts'
export { type ServeOptions, type Server, serve } from './server.ts'
