/**
 * What is made of orders, in their order, begun before it is asked for: so many are being made, or wait to be taken, at any time. What fails is thrown where it
 * would have been given, and nothing after it is begun.
 */
export async function* ahead<Order, Made>(
  orders: Iterable<Order>,
  make: (order: Order) => Promise<Made>,
  count: number,
): AsyncGenerator<readonly [Order, Made], void, undefined> {
  const begun: { readonly order: Order; readonly made: Promise<Made> }[] = []
  const source = orders[Symbol.iterator]()
  const fill = () => {
    while (begun.length < count) {
      const next = source.next()
      if (next.done) return
      const made = make(next.value)
      made.catch(() => {}) // told when it is its turn
      begun.push({ order: next.value, made })
    }
  }
  try {
    for (fill(); begun.length > 0; ) {
      const [first] = begun
      if (!first) return
      const made = await first.made
      begun.shift()
      fill()
      yield [first.order, made]
    }
  } finally {
    source.return?.()
  }
}
