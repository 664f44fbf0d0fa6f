/**
 * How often a property is tried. A run of the tests tries the same cases each time, so that it tells of a change and of nothing else;
 * `QONTRAST_FUZZ=20` tries 20 times as many, other ones each time.
 */
export function fuzz(numRuns: number): { readonly numRuns: number; readonly seed?: number } {
  const times = Number(process.env['QONTRAST_FUZZ'] ?? 0)
  return times > 0 ? { numRuns: numRuns * times } : { numRuns, seed: 1 }
}
