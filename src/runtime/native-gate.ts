/**
 * Ending a thread while ONNX Runtime computes in it aborts the process (onnxruntime-node 1.30), and a process that exits ends its threads. So such a thread
 * passes a gate before it computes, and an exit shuts the gate first: it waits for the run in progress, and no other begins.
 */
const [open, busy, shut] = [0, 1, 2]

let own: Int32Array | undefined

export function createGate(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
}

/** From now on this thread's `throughGate` passes this gate. */
export function takeGate(gate: Int32Array): void {
  own = gate
}

/** Computes once the gate is open; on a thread that has none, at once. One at a time. */
export async function throughGate<T>(compute: () => Promise<T>): Promise<T> {
  const gate = own
  if (!gate) return compute()
  if (Atomics.compareExchange(gate, 0, open, busy) === shut) Atomics.wait(gate, 0, shut) // until the thread is ended
  try {
    return await compute()
  } finally {
    Atomics.compareExchange(gate, 0, busy, open)
    Atomics.notify(gate, 0)
  }
}

/** Blocks until nothing computes behind the gate, for good. */
export function shutGate(gate: Int32Array): void {
  while (Atomics.compareExchange(gate, 0, open, shut) === busy) Atomics.wait(gate, 0, busy)
}
