/** Waits for a random time, so that writers who got in each other's way do not meet again: twice as long at most with each try. */
export function randomPause(
  tries: number,
  { first, longest }: { readonly first: number; readonly longest: number },
): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(longest, first * 2 ** tries) * Math.random()))
}
