import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { vi } from 'vitest'
import { temporaryFolder } from './temporary.ts'

/** The command line, from source. */
export const program = new URL('../../src/cli/main.ts', import.meta.url).pathname

type Line = Readonly<Record<string, unknown>>

/** `qontrast serve` as a process of its own, over an empty folder, on a free port. */
export async function startServer(...args: string[]) {
  const folder = await temporaryFolder()
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', '--path', folder, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: Line[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)))
  return {
    child,
    lines,
    exit: once(child, 'exit'),
    folder,
    url: async () => String((await logged(lines, 'serving'))['url']),
  }
}

/** The line of a log that has this message, as often as is said: waits for it. */
export function logged(lines: readonly Line[], message: string, times = 1): Promise<Line> {
  return vi.waitFor(() => {
    const found = lines.filter(({ msg }) => msg === message)[times - 1]
    if (!found) throw new Error(`no line ${message} yet`)
    return found
  }, 30_000)
}
