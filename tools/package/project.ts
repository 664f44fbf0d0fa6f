import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const limitMilliseconds = 400_000

/** A folder with files in it, and what was installed above it. */
export interface Project {
  readonly folder: string
  /** Writes files by their relative paths. */
  write(files: Readonly<Record<string, string>>): Promise<void>
  /** Runs a program to its end; rejects with what it printed where it fails. Gives standard output, and with `both` standard error after it. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<string>
  /** Starts a program that goes on. */
  start(program: string, args: readonly string[], options?: RunOptions): Running
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly both?: boolean
}

export interface Running {
  end(): Promise<void>
}

export async function createProject(folder: string, programs: readonly string[]): Promise<Project> {
  await mkdir(folder, { recursive: true })
  const env = {
    ...process.env,
    PATH: [...programs, process.env['PATH']].join(path.delimiter),
    ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip',
    NEXT_TELEMETRY_DISABLED: '1',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    NODE_OPTIONS: undefined,
    NODE_PATH: undefined,
  }
  return {
    folder,
    async write(files) {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
        await writeFile(path.join(folder, name), text)
      }
    },
    async run(program, args, { cwd = folder, env: more, both = false } = {}) {
      const options = { cwd, env: { ...env, ...more }, maxBuffer: 1 << 26, timeout: limitMilliseconds }
      try {
        const { stdout, stderr } = await promisify(execFile)(program, args, options)
        return (both ? `${stdout}\n${stderr}` : stdout).trim()
      } catch (error) {
        throw new Error(outputOf(error).trim().split('\n').slice(-30).join('\n'), { cause: error })
      }
    },
    start(program, args, { cwd = folder, env: more } = {}) {
      const child = spawn(program, args, { cwd, env: { ...env, ...more }, detached: true, stdio: 'ignore' })
      return { end: () => endGroup(child) }
    },
  }
}

function outputOf(error: unknown): string {
  const parts =
    typeof error === 'object' && error !== null ? [Reflect.get(error, 'stdout'), Reflect.get(error, 'stderr')] : []
  const text = parts.filter((part) => typeof part === 'string').join('\n')
  return text.trim() === '' ? String(error) : text
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  const ended = once(child, 'exit')
  process.kill(-child.pid, 'SIGTERM')
  await ended
}
