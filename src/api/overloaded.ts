import { QontrastError } from '../shared/index.ts'

const seconds = new WeakMap<Error, number>()

/** A refusal, and in how many seconds it is worth to try again. */
export function overloaded(reason: string, retryAfter = 1): QontrastError {
  const error = new QontrastError('overloaded', `${reason} Try again after the seconds in Retry-After.`)
  seconds.set(error, retryAfter)
  return error
}

/** Whole seconds after which what failed so may be tried again. */
export function retryAfterOf(error: unknown): number {
  return (error instanceof Error ? seconds.get(error) : undefined) ?? 1
}
