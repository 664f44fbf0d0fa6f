import { isatty } from 'node:tty'

interface Meanings {
  /** The terminal was closed. */
  readonly gone: () => void
  /** An operator asks for something to be read again; undefined where there is nothing. */
  readonly asked: (() => void) | undefined
}

/**
 * Tells the two meanings of SIGHUP apart. Under `nohup` nothing leads to a terminal, so closing it stops nothing. On Windows it is always the
 * console that closes.
 */
export function onHangUp({ gone, asked }: Meanings): void {
  const onTerminal = leadsToTerminal()
  process.on('SIGHUP', () => {
    const closed = onTerminal && (asked === undefined || !leadsToTerminal())
    if (closed || process.platform === 'win32') gone()
    else asked?.()
  })
}

/** A terminal that was closed is none any more. */
function leadsToTerminal(): boolean {
  return [0, 1, 2].some((descriptor) => isatty(descriptor))
}
