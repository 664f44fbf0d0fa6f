import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { commandsOf } from './commands.ts'
import { composeModule } from './compose.ts'
import type { Block, Page } from './read-blocks.ts'

export interface Outcome {
  readonly ok: boolean
  /** What it printed, standard error included. */
  readonly output: string
  /** What it printed on standard output alone. */
  readonly printed: string
}

export interface Place {
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Stands for 8080, which another program may have. */
  readonly port: number
  /** Servers that blocks of the page started. */
  readonly servers: ChildProcess[]
}

const limitMilliseconds = 60_000
const longestStart = 20_000

/** Runs a block of TypeScript as a module, or one of shell line by line; a server goes on until the page ends. */
export async function runBlock(block: Block, page: Page, place: Place): Promise<Outcome> {
  if (block.language === 'ts') {
    const file = await writeModule(block, page, place)
    return run('node', [file], place)
  }
  const commands = commandsOf(atPort(block.text, place.port))
  const served = commands.filter((command) => /^(npx )?qontrast serve\b/.test(command))
  for (const command of served) await startServer(command, place)
  const rest = served.length > 0 ? commands.filter((command) => !served.includes(command)).join('\n') : block.text
  return run('bash', ['-e', '-o', 'pipefail', '-c', `${atPort(rest, place.port)}\nwait`], place)
}

/** Writes a block as a file that can be compiled and run; gives its path. */
export async function writeModule(
  block: Block,
  page: Page,
  { folder, port }: Pick<Place, 'folder' | 'port'>,
): Promise<string> {
  const [, named] = /^\/\/ ([\w.-]+\.ts)\s*$/.exec(block.text.split('\n', 1)[0] ?? '') ?? []
  const file = path.join(folder, named ?? `line-${block.line}.ts`)
  await writeFile(file, atPort(composeModule(block, page), port))
  return file
}

export async function endServers({ servers }: Place): Promise<void> {
  for (const server of servers.splice(0)) {
    const ended = once(server, 'exit')
    if (server.pid !== undefined && server.exitCode === null) {
      process.kill(-server.pid, 'SIGTERM')
      await ended
    }
  }
}

function atPort(text: string, port: number): string {
  return text.replaceAll('localhost:8080', `localhost:${port}`)
}

async function startServer(command: string, place: Place): Promise<void> {
  const env = { ...place.env, QONTRAST_PORT: String(place.port) }
  const options = { cwd: place.folder, env, detached: true, stdio: 'ignore' } as const
  place.servers.push(spawn('bash', ['-c', `exec ${command}`], options))
  const start = performance.now()
  while (performance.now() - start < longestStart) {
    const answer = await fetch(`http://localhost:${place.port}/health/ready`).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`'${command}' did not become ready`)
}

async function run(program: string, args: readonly string[], { folder, env }: Place): Promise<Outcome> {
  const child = spawn(program, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    printed += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const timer = setTimeout(() => {
    output += `\nstill running after ${limitMilliseconds / 1000} s`
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }, limitMilliseconds)
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  return { ok: code === 0, output, printed }
}
