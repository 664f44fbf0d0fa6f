import { QontrastError } from '../shared/index.ts'

/** Answers that go on after their head: they leave what counts requests, and are counted here. */
export interface Streams {
  readonly open: number
  /** Rejects with `overloaded` where there are too many; what it gives is called when the stream has ended. */
  enter(): () => void
}

export function createStreams(most: number): Streams {
  let open = 0
  return {
    get open() {
      return open
    },
    enter() {
      if (open >= most) throw new QontrastError('overloaded', `${open} streams are open; that is the limit.`)
      open += 1
      let inside = true
      return () => {
        if (inside) open -= 1
        inside = false
      }
    },
  }
}
