import { abortError, isQontrastError, QontrastError } from '../../shared/index.ts'

export interface Line {
  /** Which one of the body, from 1; empty ones count. */
  readonly line: number
  readonly bytes: Uint8Array
}

/** Reads ahead while the lines that came before are worked on. */
export interface LineReader {
  /** The lines that have come, at most so many; waits for one. None is the end; rejects with what broke the stream once those before it were taken. */
  take(most: number): Promise<readonly Line[]>
  close(): void
}

export interface LineReaderOptions {
  readonly lineBytes: number
  /** Bytes of lines that may wait to be taken; a line on its way comes on top. */
  readonly aheadBytes: number
  /** How long a line may take to come, while it is waited for: `too-slow`. */
  readonly seconds: number
  /** Ends the reading: `aborted`. */
  readonly signal: AbortSignal
}

const newline = 0x0a
const blanks = new Set([0x20, 0x09, 0x0d])

export function createLineReader(
  body: ReadableStream<Uint8Array>,
  { lineBytes, aheadBytes, seconds, signal }: LineReaderOptions,
): LineReader {
  const reader = body.getReader()
  const lines: Line[] = []
  let waiting = 0
  let number = 0
  let rest: Uint8Array[] = []
  let restBytes = 0
  let ended: { readonly error?: unknown } | undefined
  let reading = false
  let wake = () => {}
  const end = (how: { readonly error?: unknown }) => {
    ended ??= how
    wake()
  }
  const onAbort = () => end({ error: abortError(signal) })
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()

  async function readAhead(): Promise<void> {
    if (reading) return
    reading = true
    try {
      while (!ended && waiting < aheadBytes) {
        const { done, value } = await reader.read()
        if (!done) split(value)
        else {
          if (restBytes > 0) push(new Uint8Array())
          end({})
        }
        wake()
      }
    } catch (error) {
      end({
        error: isQontrastError(error) ? error : new QontrastError('malformed', 'The body broke off.', { cause: error }),
      })
    } finally {
      reading = false
    }
  }

  function split(bytes: Uint8Array): void {
    let from = 0
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, from)) {
      push(bytes.subarray(from, at))
      from = at + 1
    }
    if (from < bytes.length) keep(bytes.subarray(from))
  }

  function keep(bytes: Uint8Array): void {
    rest.push(bytes)
    restBytes += bytes.length
    if (restBytes > lineBytes) throw new QontrastError('too-large', `A line has more than ${lineBytes} bytes.`)
  }

  function push(lastPart: Uint8Array): void {
    keep(lastPart)
    const bytes = rest.length === 1 ? lastPart : Buffer.concat(rest)
    rest = []
    restBytes = 0
    number += 1
    if (bytes.every((byte) => blanks.has(byte))) return
    lines.push({ line: number, bytes })
    waiting += bytes.length
  }

  /** Resolves with true once there is something to take or to say, with false where that takes too long. */
  function arrival(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), seconds * 1_000)
      wake = () => {
        if (lines.length === 0 && !ended) return
        clearTimeout(timer)
        resolve(true)
      }
      wake()
    })
  }

  return {
    async take(most) {
      void readAhead()
      if (!(await arrival())) end({ error: new QontrastError('too-slow', `No line came within ${seconds} s.`) })
      if (signal.aborted) throw abortError(signal)
      const taken = lines.splice(0, most)
      waiting -= taken.reduce((sum, { bytes }) => sum + bytes.length, 0)
      if (taken.length === 0 && ended?.error !== undefined) throw ended.error
      void readAhead()
      return taken
    },
    close() {
      signal.removeEventListener('abort', onAbort)
      end({})
      reader.cancel().catch(() => {})
    },
  }
}
