import { createLogUpdate } from 'log-update'

/** One line about long work on stderr: redrawn on a terminal, written now and then elsewhere. */
export interface ProgressLine {
  update(text: string): void
  /** The last state stays on the screen. */
  done(text: string): void
  /** Takes the line off the terminal: what follows says it all. */
  clear(): void
}

const redrawMilliseconds = 80
const writeMilliseconds = 5_000
/** Before this, work that is done soon says nothing where nobody sees the line move. */
const firstMilliseconds = 1_500

export function createProgressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  const live = stream.isTTY ? createLogUpdate(stream) : undefined
  let last = performance.now() - (live ? redrawMilliseconds : writeMilliseconds - firstMilliseconds)
  return {
    update(text) {
      const now = performance.now()
      if (now - last < (live ? redrawMilliseconds : writeMilliseconds)) return
      last = now
      if (live) live(text)
      else stream.write(`${text}\n`)
    },
    done(text) {
      if (!live) return void stream.write(`${text}\n`)
      live(text)
      live.done()
    },
    clear() {
      live?.clear()
      live?.done()
    },
  }
}

/** `1,234` */
export function number(value: number, digits = 0): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits })
}

/** `1 document`, `1,234 documents` */
export function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** `3.4 MB` */
export function megabytes(bytes: number): string {
  return `${number(bytes / 1e6, 1)} MB`
}

/** `42 s`, `3 min 5 s`, `2 h 10 min` */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
