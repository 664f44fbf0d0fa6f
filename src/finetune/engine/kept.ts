/** Sessions that are made when first needed and kept, one for each set of arguments. */
export interface Kept<Arguments extends readonly unknown[], Opened> {
  get(...given: Arguments): Promise<Opened>
  close(): Promise<void>
}

export function keep<
  Arguments extends readonly (number | boolean)[],
  Opened extends { readonly runner: { release(): Promise<void> } },
>(open: (...given: Arguments) => Promise<Opened>): Kept<Arguments, Opened> {
  const kept = new Map<string, Promise<Opened>>()
  return {
    get(...given) {
      const key = given.join()
      const opened = kept.get(key) ?? open(...given)
      kept.set(key, opened)
      return opened
    },
    async close() {
      const opened = await Promise.allSettled(kept.values())
      kept.clear()
      for (const outcome of opened) if (outcome.status === 'fulfilled') await outcome.value.runner.release()
    },
  }
}
