/** Cuts a run into stretches of at most so many steps; after a step that `ends` names, a new one begins. */
export function* stretches<T>(
  steps: Iterable<T>,
  { longest, ends }: { readonly longest: number; ends(step: T): boolean },
): Generator<T[], void, undefined> {
  let stretch: T[] = []
  for (const step of steps) {
    stretch.push(step)
    if (stretch.length < longest && !ends(step)) continue
    yield stretch
    stretch = []
  }
  if (stretch.length > 0) yield stretch
}
