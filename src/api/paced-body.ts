import { QontrastError } from '../shared/index.ts'

export interface Pace {
  /** Bytes that may wait to be read: the source is not asked for more. */
  readonly aheadBytes: number
  /** A reader that takes nothing for so long, though there is something, is given up. */
  readonly seconds: number
  /** Called once, when everything was read or nothing will be any more. */
  readonly onEnd: () => void
}

/** A response body that is made a bounded piece ahead of its reader, so that neither waits for the other: a client may send for a while before it reads. */
export function pacedBody(
  source: AsyncGenerator<Uint8Array, void, undefined>,
  { aheadBytes, seconds, onEnd }: Pace,
): ReadableStream<Uint8Array> {
  const made: Uint8Array[] = []
  let waiting = 0
  let done = false
  let broken: { readonly error: unknown } | undefined
  let making = false
  let wake = () => {}
  let timer: NodeJS.Timeout | undefined

  async function make(): Promise<void> {
    if (making) return
    making = true
    try {
      while (!done && waiting < aheadBytes) {
        const next = await source.next()
        if (next.done) done = true
        else {
          made.push(next.value)
          waiting += next.value.byteLength
        }
        wake()
      }
    } catch (error) {
      broken = { error }
      done = true
      wake()
    }
    making = false
  }

  async function end(): Promise<void> {
    clearTimeout(timer)
    done = true
    made.length = 0
    onEnd()
    await source.return()
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(timer)
        void make()
        while (made.length === 0 && !done)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        const chunk = made.shift()
        if (!chunk) {
          if (broken) controller.error(broken.error)
          else controller.close()
          return end()
        }
        waiting -= chunk.byteLength
        controller.enqueue(chunk)
        void make()
        timer = setTimeout(() => {
          controller.error(new QontrastError('too-slow', `No answer was read for ${seconds} s.`))
          void end()
        }, seconds * 1_000)
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  )
}
