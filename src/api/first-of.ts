/** Fires when either does. */
export function firstOf(a: AbortSignal, b: AbortSignal | undefined): AbortSignal
export function firstOf(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined
export function firstOf(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b && a !== b ? AbortSignal.any([a, b]) : (a ?? b)
}
