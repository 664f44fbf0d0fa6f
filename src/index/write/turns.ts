const tails = new Map<string, Promise<unknown>>()
const longestWait = 1_000

/**
 * Work that has a key in common is done one after the other in this process, in the order it was asked for. That only spares it from getting in each other's way:
 * what takes long is not waited for.
 */
export async function inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
  const before = [...new Set(keys.flatMap((key) => tails.get(key) ?? []))]
  const turn = before.length === 0 ? work() : atMost(Promise.all(before), longestWait).then(work)
  const settled = turn.catch(() => {})
  for (const key of keys) tails.set(key, settled)
  try {
    return await turn
  } finally {
    for (const key of keys) if (tails.get(key) === settled) tails.delete(key)
  }
}

/** Keys for the turns of whoever writes documents of an index, whichever of its generations that names. */
export function turnKeys(store: { readonly name: string }, collection: string, documents: Iterable<string>): string[] {
  const index = collection.replace(/\.\d+(-[0-9a-f]+)?$/, '')
  return Array.from(documents, (id) => JSON.stringify([store.name, index, id]))
}

async function atMost(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([promise, waited])
  clearTimeout(timer)
}
