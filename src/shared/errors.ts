import { isError } from './kinds.ts'

/** What went wrong, named by what the caller should do about it. */
export type ErrorCode =
  | 'invalid-input' // correct the data passed in
  | 'invalid-option' // correct the option named in the message
  | 'invalid-filter' // correct the filter
  | 'model-not-found' // point to a folder or hub name that exists
  | 'model-invalid' // repair or re-export the model folder
  | 'hub-unreachable' // get online, or use a local folder
  | 'device-unavailable' // choose another device
  | 'dimension-mismatch' // use vectors of the index's size
  | 'encoder-mismatch' // use the index's encoder, or index again
  | 'index-not-found' // index something first
  | 'index-outdated' // run the upgrade named in the message
  | 'package-outdated' // install a later version of this package
  | 'dependency-missing' // install the package named in the message
  | 'file-unreadable' // repair or leave out the file
  | 'file-encrypted' // remove the password or leave out the file
  | 'training-diverged' // lower the learning rate, or look at the data
  | 'disk-full' // free some space, then run again
  | 'store-busy' // another process writes: try again
  | 'store-unavailable' // start the server or correct its address, then run again
  | 'store-denied' // pass the right key
  | 'store-outdated' // upgrade the server
  | 'store-failed' // look at the cause
  | 'worker-crashed' // try again
  | 'aborted' // the caller's own signal
  | 'closed' // the resource was closed before
  | 'malformed' // send JSON that can be read
  | 'unauthorized' // send a valid API key
  | 'forbidden' // use a key that may do this
  | 'not-found' // look at what there is
  | 'method-not-allowed' // use a method that the path has
  | 'too-slow' // send the body faster
  | 'already-exists' // choose another name
  | 'too-large' // send less at once
  | 'unsupported-media-type' // send the content type named in the message
  | 'overloaded' // try again later
  | 'deadline-exceeded' // allow more time, or ask for less
  | 'internal' // our bug: report it

/** The one error class of this package: a stable `code`, and a message that says expected, given and remedy. */
export class QontrastError extends Error {
  readonly code: ErrorCode
  override readonly name = 'QontrastError'

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(code === 'internal' ? `internal: ${message}` : message, options)
    this.code = code
  }
}

/** True for a {@link QontrastError}, of the given code if one is given; also for one of another realm or copy of this package. */
export function isQontrastError(error: unknown, code?: ErrorCode): error is QontrastError {
  if (!isError(error) || error.name !== 'QontrastError' || !('code' in error)) return false
  return typeof error.code === 'string' && (code === undefined || error.code === code)
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error)
}

/** Node's error code (`ENOENT`, `ENOSPC`, …) if what was thrown carries one. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!isError(error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
