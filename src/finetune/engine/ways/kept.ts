/** Sessions that are made when first needed and kept, one for each form of a graph. */
export interface Kept<Form, Opened> {
  get(form: Form): Promise<Opened>
  close(): Promise<void>
}

export function keep<Form, Opened extends { readonly runner: { release(): Promise<void> } }>(
  open: (form: Form) => Promise<Opened>,
): Kept<Form, Opened> {
  const kept = new Map<string, Promise<Opened>>()
  return {
    get(form) {
      const key = JSON.stringify(form)
      const opened = kept.get(key) ?? open(form)
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
