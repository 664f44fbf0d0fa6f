import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { z } from 'zod'

export interface QdrantServer {
  readonly url: string
  readonly version: string
  /** SIGKILL, as a power cut would. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder. */
  start(): Promise<void>
  /** Ends it and removes its folder. */
  close(): Promise<void>
}

const mostWait = 120_000

/** The `qdrant` found on PATH. */
export function qdrantProgram(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  return folders.map((folder) => path.join(folder, 'qdrant')).find(existsSync)
}

/** Starts `qdrant` on free ports with a temporary folder; `settings` as its environment names them (`SERVICE__API_KEY`). */
export async function startQdrant(
  program: string,
  settings: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<QdrantServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-qdrant-'))
  const [port, grpcPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined

  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child?.once('close', resolve))
    child.kill('SIGKILL')
    await ended
  }
  const start = async () => {
    child = spawn(program, [...args], {
      cwd: folder,
      stdio: 'ignore',
      env: {
        ...process.env,
        QDRANT__SERVICE__HOST: '127.0.0.1',
        QDRANT__SERVICE__HTTP_PORT: String(port),
        QDRANT__SERVICE__GRPC_PORT: String(grpcPort),
        QDRANT__TELEMETRY_DISABLED: 'true',
        ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`QDRANT__${name}`, value])),
      },
    })
    await untilReady(url, child)
  }
  await start()
  return {
    url,
    version: await versionOf(url),
    kill,
    start,
    async close() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export async function versionOf(url: string): Promise<string> {
  const response = await fetch(url)
  return z.object({ version: z.string() }).parse(await response.json()).version
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const end = Date.now() + mostWait
  for (;;) {
    const ready = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (ready) return
    if (child.exitCode !== null) throw new Error(`qdrant ended with ${child.exitCode}`)
    if (Date.now() > end) throw new Error(`qdrant was not ready after ${mostWait} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
