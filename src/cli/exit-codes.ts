import { type ErrorCode, isQontrastError } from '../shared/index.ts'

/** Exit codes, named as `--help` lists them. */
export const exitCodes = {
  ok: 0,
  'failed: the message says why': 1,
  'wrong use or bad input': 2,
  'done, but some documents failed': 3,
  'no such index, model or document': 4,
  'interrupted: what was stored stays': 130,
} as const

const byErrorCode: Partial<Record<ErrorCode, keyof typeof exitCodes>> = {
  'invalid-input': 'wrong use or bad input',
  'invalid-option': 'wrong use or bad input',
  'invalid-filter': 'wrong use or bad input',
  'dimension-mismatch': 'wrong use or bad input',
  'encoder-mismatch': 'wrong use or bad input',
  'index-outdated': 'wrong use or bad input',
  'file-unreadable': 'wrong use or bad input',
  'index-not-found': 'no such index, model or document',
  'model-not-found': 'no such index, model or document',
  'not-found': 'no such index, model or document',
  aborted: 'interrupted: what was stored stays',
}

export function exitCodeOf(error: unknown): number {
  const name = isQontrastError(error) ? byErrorCode[error.code] : undefined
  return exitCodes[name ?? 'failed: the message says why']
}
